with
    page_events as (select * from {{ ref("int_page_events") }}),

    sessions as (select session_id, contact_id from {{ ref("int_web_sessions") }}),

    page_paths as (select * from {{ ref("int_page_paths") }}),

    final as (
        select
            page_events.message_id,
            page_events.session_id,
            sessions.contact_id,
            page_events.event_at,
            page_events.page_path,
            coalesce(page_paths.page_kind, 'other') as page_kind,
            page_events.dwell_seconds
        from page_events
        inner join sessions on page_events.session_id = sessions.session_id
        left join page_paths on page_events.page_path = page_paths.page_path
    )

select *
from final
