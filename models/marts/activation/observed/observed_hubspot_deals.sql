-- Deals as last read; a merged one names its survivor.
with
    deals as (
        select
            record_id,
            properties,
            is_archived,
            loaded_at,
            {{ json_text("properties", "hs_merged_object_ids") }} as merged_record_ids
        from {{ ref("stg_hubspot__deals") }}
    ),

    merged_ids as (
        select part as record_id, max(record_id) as merged_into, max(loaded_at) as read_at
        from {{ split_rows("deals", "merged_record_ids") }} as merged
        where part != record_id
        group by part
    ),

    own_records as (
        select
            deals.record_id,
            deals.properties,
            -- An id that the CRM merged into another one takes no writes of its own.
            deals.is_archived or merged_ids.record_id is not null as is_archived,
            deals.loaded_at as read_at,
            merged_ids.merged_into,
            '{}' as people_changed
        from deals
        left join merged_ids on deals.record_id = merged_ids.record_id
    ),

    -- A record that was merged away before it was ever read is known by its survivor alone.
    merged_unread as (
        select
            merged_ids.record_id,
            '{}' as properties,
            true as is_archived,
            merged_ids.read_at,
            merged_ids.merged_into,
            '{}' as people_changed
        from merged_ids
        left join deals on merged_ids.record_id = deals.record_id
        where deals.record_id is null
    ),

    final as (
        select *
        from own_records
        union all
        select *
        from merged_unread
    )

select *
from final
