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

    lineage as (select message_id, received_at, source_file, source_row from events),

    repeated as (select message_id from events group by message_id having count(*) > 1),

    copies as (
        select
            lineage.message_id,
            lineage.source_file,
            lineage.source_row,
            row_number() over (
                partition by lineage.message_id order by lineage.received_at, lineage.source_file, lineage.source_row
            ) as copy_number
        from lineage
        inner join repeated on lineage.message_id = repeated.message_id
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
