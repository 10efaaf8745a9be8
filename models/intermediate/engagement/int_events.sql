-- Trackers send a message again when an answer is lost: the first copy of a message id is the event. Only repeated ids
-- are sorted, because a window over every event costs far more than finding the few repeats.
with
    events as (
        select
            message_id,
            event_type,
            event_name,
            user_id,
            anonymous_id,
            email_raw,
            -- Who the event itself names: a login before an address.
            coalesce(user_id, lower(email_raw)) as person_record_id,
            -- Whose browsing it belongs to.
            coalesce(anonymous_id, user_id, lower(email_raw)) as visitor_id,
            event_at,
            received_at,
            page_url,
            page_path,
            referrer,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind,
            dwell_seconds,
            properties,
            traits,
            source_file,
            source_row
        from {{ ref("stg_events__events") }}
    ),

    repeated as (select message_id from events group by message_id having count(*) > 1),

    numbered as (
        select events.*, 1 as copy_number
        from events
        left join repeated on events.message_id = repeated.message_id
        where repeated.message_id is null
        union all
        select
            events.*,
            row_number() over (
                partition by events.message_id order by events.received_at, events.source_file, events.source_row
            ) as copy_number
        from events
        inner join repeated on events.message_id = repeated.message_id
    ),

    final as (
        select
            message_id,
            event_type,
            event_name,
            user_id,
            anonymous_id,
            email_raw,
            person_record_id,
            visitor_id,
            event_at,
            page_url,
            page_path,
            referrer,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind,
            dwell_seconds,
            properties,
            traits
        from numbered
        where copy_number = 1
    )

select *
from final
