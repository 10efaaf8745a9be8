-- Every time we wrote to a person or called them, by automation or by hand, as far back as contact_pressure.csv looks.
with
    channels as (select * from {{ ref("outbound_channels") }}),

    email_events as (select * from {{ ref("stg_hubspot__email_events") }}),

    clean_emails as (select * from {{ ref("int_clean_emails") }}),

    contact_emails as (select * from {{ ref("int_contact_emails") }}),

    activities as (
        select * from {{ ref("fct_sales_activities") }} where direction = 'outbound' and contact_id is not null
    ),

    windows as (select max(window_days) as longest_days from {{ ref("contact_pressure") }}),

    sends as (
        select email_events.event_id, email_events.email_raw, email_events.event_at, channels.channel
        from email_events
        inner join channels on channels.origin = 'marketing' and email_events.event_type = channels.kind
        cross join windows
        where
            email_events.event_at <= {{ as_of() }}
            and {{ days_between("email_events.event_at", as_of()) }} < windows.longest_days
    ),

    marketing as (
        select
            'marketing' as origin,
            sends.event_id as source_id,
            contact_emails.contact_id,
            sends.channel,
            sends.event_at as touch_at,
            true as is_automated
        from sends
        inner join clean_emails on sends.email_raw = clean_emails.email_raw
        inner join contact_emails on clean_emails.email_canonical = contact_emails.email_canonical
    ),

    sales as (
        select
            'sales' as origin,
            activities.activity_id as source_id,
            activities.contact_id,
            channels.channel,
            activities.activity_at as touch_at,
            coalesce(activities.is_automated, false) as is_automated
        from activities
        inner join channels on channels.origin = 'sales' and activities.activity_type = channels.kind
        cross join windows
        where
            activities.activity_at <= {{ as_of() }}
            and {{ days_between("activities.activity_at", as_of()) }} < windows.longest_days
    ),

    final as (
        select origin, source_id, contact_id, channel, touch_at, is_automated
        from marketing
        union all
        select origin, source_id, contact_id, channel, touch_at, is_automated
        from sales
    )

select *
from final
