-- Companies as last read; a merged one names its survivor. Histories of companies are not read.
with
    companies as (select * from {{ ref("stg_hubspot__companies") }}),

    merged_ids as (
        select part as record_id, max(record_id) as merged_into, max(loaded_at) as read_at
        from {{ split_rows("companies", "merged_record_ids") }} as merged
        where part != record_id
        group by part
    ),

    own_records as (
        select
            companies.record_id,
            companies.properties,
            -- An id that the CRM merged into another one takes no writes of its own.
            companies.is_archived or merged_ids.record_id is not null as is_archived,
            companies.loaded_at as read_at,
            merged_ids.merged_into,
            '{}' as people_changed
        from companies
        left join merged_ids on companies.record_id = merged_ids.record_id
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
        left join companies on merged_ids.record_id = companies.record_id
        where companies.record_id is null
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
