-- What forms received as the company's name, by address (the record id of `hubspot_forms`).
with
    submissions as (select * from {{ ref("stg_hubspot__form_submissions") }} where email_raw is not null),

    answers as (
        select
            lower(email_raw) as record_id,
            {{ blank_to_null(json_text("answers", "company")) }} as name_raw,
            submitted_at
        from submissions
    ),

    final as (
        select record_id, name_raw, max(submitted_at) as last_seen_at
        from answers
        where name_raw is not null
        group by record_id, name_raw
    )

select *
from final
