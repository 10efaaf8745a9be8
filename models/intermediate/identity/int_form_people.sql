-- One source record per address that forms received (trimmed, lower case). Answers of the newest submission win.
with
    submissions as (select *, lower(email_raw) as record_id from {{ ref("stg_hubspot__form_submissions") }}),

    answers as (
        select
            record_id,
            {{ blank_to_null(json_text("answers", "firstname")) }} as first_name,
            {{ blank_to_null(json_text("answers", "lastname")) }} as last_name,
            {{ blank_to_null(json_text("answers", "jobtitle")) }} as job_title,
            {{ blank_to_null(json_text("answers", "phone")) }} as phone_raw,
            row_number() over (partition by record_id order by submitted_at desc, submission_id) as recency
        from submissions
        where record_id is not null
    ),

    people as (
        select
            record_id,
            min(email_raw) as email_raw,
            min(submitted_at) as created_at,
            max(submitted_at) as updated_at,
            count(*) as submission_count
        from submissions
        where record_id is not null
        group by record_id
    ),

    final as (
        select
            people.record_id,
            people.email_raw,
            answers.first_name,
            answers.last_name,
            answers.job_title,
            answers.phone_raw,
            people.created_at,
            people.updated_at,
            people.submission_count
        from people
        left join answers on people.record_id = answers.record_id and answers.recency = 1
    )

select *
from final
