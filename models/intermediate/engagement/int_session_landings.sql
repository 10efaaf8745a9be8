-- What the first page of a visit says about where it came from. A referrer on our own site says nothing.
with
    landings as (
        select session_id, visitor_number, session_started_at, message_id
        from {{ ref("int_page_events") }}
        where is_landing
    ),

    events as (select * from {{ ref("int_events") }} where event_type in ('page', 'screen')),

    hosts as (
        select
            landings.session_id,
            landings.visitor_number,
            landings.session_started_at,
            events.page_path,
            events.utm_source,
            events.utm_medium,
            events.utm_campaign,
            events.utm_content,
            events.utm_term,
            events.click_id_kind,
            {{ url_host("events.page_url") }} as page_host,
            {{ url_host("events.referrer") }} as referrer_host
        from landings
        inner join events on landings.message_id = events.message_id
    ),

    external as (
        select
            session_id,
            visitor_number,
            session_started_at,
            page_path as landing_path,
            page_host,
            case when referrer_host is distinct from page_host then referrer_host end as referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind
        from hosts
    ),

    final as (
        select
            session_id,
            visitor_number,
            session_started_at,
            {{ hash_key(["utm_source", "utm_medium", "utm_campaign", "referrer_host", "click_id_kind"]) }}
            as traffic_key,
            landing_path,
            page_host,
            referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind
        from external
    )

select *
from final
