with
    email_events as (select * from {{ ref("stg_hubspot__email_events") }}),

    clean_emails as (select * from {{ ref("int_clean_emails") }}),

    contact_emails as (select * from {{ ref("int_contact_emails") }}),

    final as (
        select
            email_events.email_raw,
            clean_emails.email_status,
            count(*) as event_count,
            max(email_events.event_at) as last_event_at
        from email_events
        left join clean_emails on email_events.email_raw = clean_emails.email_raw
        left join contact_emails on clean_emails.email_canonical = contact_emails.email_canonical
        where contact_emails.contact_id is null
        group by email_events.email_raw, clean_emails.email_status
    )

select *
from final
