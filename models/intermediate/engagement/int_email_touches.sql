-- What people, or machines for them, did with marketing e-mail. Sent and delivered are not touches: nobody did
-- anything.
with
    email_events as (
        select *
        from {{ ref("stg_hubspot__email_events") }}
        where
            event_type in ('OPEN', 'CLICK', 'BOUNCE', 'SPAMREPORT')
            or (event_type = 'STATUSCHANGE' and subscription_status = 'UNSUBSCRIBED')
    ),

    campaigns as (select * from {{ ref("stg_hubspot__email_campaigns") }}),

    clean_emails as (select * from {{ ref("int_clean_emails") }}),

    contact_emails as (select * from {{ ref("int_contact_emails") }}),

    final as (
        select
            email_events.event_id,
            contact_emails.contact_id,
            email_events.event_at as touch_at,
            case
                email_events.event_type
                when 'OPEN'
                then 'email_open'
                when 'CLICK'
                then 'email_click'
                when 'BOUNCE'
                then 'email_bounce'
                when 'SPAMREPORT'
                then 'email_spam_report'
                else 'email_unsubscribe'
            end as touch_type,
            email_events.is_machine,
            campaigns.name as campaign,
            coalesce(email_events.url, campaigns.subject) as content
        from email_events
        left join campaigns on email_events.campaign_id = campaigns.campaign_id
        left join clean_emails on email_events.email_raw = clean_emails.email_raw
        left join contact_emails on clean_emails.email_canonical = contact_emails.email_canonical
    )

select *
from final
