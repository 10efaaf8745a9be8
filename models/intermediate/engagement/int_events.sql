{#
    Incremental by file, and always equal to a full refresh: when a file is new, was replaced or is gone, every message it
    holds or held is looked at again among all files. Files are told apart by name and time of loading.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="fail",
        pre_hook=["{{ find_changed_messages() }}", "{{ delete_changed_messages() }}"],
        post_hook="{{ drop_changed_messages() }}",
    )
}}

-- Trackers send a message again when an answer is lost: the first copy of a message id is the event. Only repeated ids
-- are sorted, and the wide rows are read in one pass, because a window over every event costs far more than finding the
-- few repeats.
with
    events as (
        select *
        from {{ ref("stg_events__events") }}
        {% if is_incremental() %} where message_id in (select message_id from {{ changed_messages() }}) {% endif %}
    ),

    hashed as (
        select {{ row_fingerprint(["message_id"]) }} as message_hash, message_id, received_at, source_file, source_row
        from events
    ),

    -- Hashes are counted, not ids: a quarter of the memory, and a chance twin is told apart below.
    repeated as (select message_hash from hashed group by message_hash having count(*) > 1),

    copies as (
        select
            hashed.message_id,
            hashed.source_file,
            hashed.source_row,
            row_number() over (
                partition by hashed.message_id order by hashed.received_at, hashed.source_file, hashed.source_row
            ) as copy_number
        from hashed
        inner join repeated on hashed.message_hash = repeated.message_hash
    ),

    superseded as (
        select message_id, source_file, source_row
        from copies
        group by message_id, source_file, source_row
        having min(copy_number) > 1
    ),

    final as (
        select
            events.message_id,
            events.event_type,
            events.event_name,
            events.user_id,
            events.anonymous_id,
            events.email_raw,
            -- Who the event itself names: a login before an address.
            coalesce(events.user_id, lower(events.email_raw)) as person_record_id,
            -- Whose browsing it belongs to.
            coalesce(events.anonymous_id, events.user_id, lower(events.email_raw)) as visitor_id,
            events.event_at,
            events.page_url,
            events.page_path,
            events.referrer,
            events.utm_source,
            events.utm_medium,
            events.utm_campaign,
            events.utm_content,
            events.utm_term,
            events.click_id_kind,
            events.dwell_seconds,
            events.properties,
            events.traits,
            events.source_file,
            events.loaded_at
        from events
        left join
            superseded
            on events.message_id = superseded.message_id
            and events.source_file is not distinct from superseded.source_file
            and events.source_row is not distinct from superseded.source_row
        where superseded.message_id is null
    )

select *
from final
