-- Everything a person or a company's people did or had done with us, in one shape. Not sorted here: publishing sorts by
-- account once, so that one account's rows lie together where they are read.
with
    touch_types as (select * from {{ ref("touch_types") }}),

    contact_accounts as (select contact_id, account_id from {{ ref("int_contact_accounts") }}),

    web_sessions as (
        select
            {{ hash_key(["'web_session'", "session_id"]) }} as touch_id,
            contact_id,
            session_started_at as touch_at,
            'web_session' as touch_type,
            landing_path as signal_detail,
            channel,
            utm_campaign as campaign,
            utm_content as content,
            'events' as source,
            session_id as source_record_id,
            false as is_machine,
            page_views,
            dwell_seconds
        from {{ ref("int_web_sessions") }}
    ),

    tracked as (
        select
            {{ hash_key(["'tracked'", "message_id"]) }} as touch_id,
            contact_id,
            touch_at,
            touch_type,
            signal_detail,
            channel,
            campaign,
            content,
            'events' as source,
            message_id as source_record_id,
            false as is_machine,
            cast(null as bigint) as page_views,
            cast(null as bigint) as dwell_seconds
        from {{ ref("int_tracked_touches") }}
    ),

    forms as (
        select
            {{ hash_key(["'form_submission'", "submission_id"]) }} as touch_id,
            contact_id,
            touch_at,
            'form_submission' as touch_type,
            signal_detail,
            channel,
            campaign,
            content,
            'hubspot_forms' as source,
            submission_id as source_record_id,
            false as is_machine,
            cast(null as bigint) as page_views,
            cast(null as bigint) as dwell_seconds
        from {{ ref("int_form_touches") }}
    ),

    emails as (
        select
            {{ hash_key(["'email_event'", "event_id"]) }} as touch_id,
            contact_id,
            touch_at,
            touch_type,
            cast(null as {{ dbt.type_string() }}) as signal_detail,
            cast(null as {{ dbt.type_string() }}) as channel,
            campaign,
            content,
            'hubspot' as source,
            event_id as source_record_id,
            is_machine,
            cast(null as bigint) as page_views,
            cast(null as bigint) as dwell_seconds
        from {{ ref("int_email_touches") }}
    ),

    activities as (
        select
            {{ hash_key(["'activity'", "activity_id"]) }} as touch_id,
            contact_id,
            activity_at as touch_at,
            case
                when activity_type = 'email' and direction = 'inbound'
                then 'sales_email_reply'
                when activity_type = 'email'
                then 'sales_email'
                else activity_type
            end as touch_type,
            outcome as signal_detail,
            cast(null as {{ dbt.type_string() }}) as channel,
            cast(null as {{ dbt.type_string() }}) as campaign,
            title as content,
            source,
            source_record_id,
            false as is_machine,
            cast(null as bigint) as page_views,
            cast(null as bigint) as dwell_seconds
        from {{ ref("fct_sales_activities") }}
        -- A task is a touch once it was done.
        where contact_id is not null and (activity_type != 'task' or outcome = 'completed')
    ),

    touches as (
        select *
        from web_sessions
        union all
        select *
        from tracked
        union all
        select *
        from forms
        union all
        select *
        from emails
        union all
        select *
        from activities
    ),

    final as (
        select
            touches.touch_id,
            touches.contact_id,
            contact_accounts.account_id,
            touches.touch_at,
            touches.touch_type,
            touches.signal_detail,
            coalesce(touches.channel, touch_types.default_channel) as channel,
            touches.campaign,
            touches.content,
            touches.source,
            touches.source_record_id,
            touches.is_machine,
            touch_types.is_inbound,
            touch_types.is_attributable and not touches.is_machine as is_attributable,
            cast(touches.page_views as bigint) as page_views,
            cast(touches.dwell_seconds as bigint) as dwell_seconds,
            touch_types.phase
        from touches
        inner join touch_types on touches.touch_type = touch_types.touch_type
        left join contact_accounts on touches.contact_id = contact_accounts.contact_id
    )

select *
from final
