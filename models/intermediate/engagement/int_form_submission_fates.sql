-- What became of each form submission: the first one of a person (kept), a further one of somebody known (merged), or
-- nobody's (set aside with a reason).
with
    submissions as (select * from {{ ref("stg_hubspot__form_submissions") }}),

    records as (select * from {{ ref("int_contact_records") }} where source = 'hubspot_forms'),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    final as (
        select
            submissions.submission_id,
            submissions.submitted_at,
            clusters.contact_id,
            clusters.is_leading
            and row_number() over (
                partition by records.record_key order by submissions.submitted_at, submissions.submission_id
            )
            = 1 as is_first_of_person,
            case
                when submissions.email_raw is null
                then 'missing_email'
                when clusters.contact_id is null
                then coalesce(records.quarantine_reason, 'no_usable_identifier')
            end as reason_code
        from submissions
        left join records on lower(submissions.email_raw) = records.record_id
        left join clusters on records.record_key = clusters.record_key
    )

select *
from final
