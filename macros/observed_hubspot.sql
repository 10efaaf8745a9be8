{#
    A query: records of a HubSpot object whose histories are not read, as last read; a merged one names its survivor.

    records: name of the staging model.
    merged_record_ids: SQL expression on it, the ids that were merged into the record, `;` between them.
#}
{% macro observed_hubspot(records, merged_record_ids="merged_record_ids") -%}
    with
        records as (
            select record_id, properties, is_archived, loaded_at, {{ merged_record_ids }} as merged_record_ids
            from {{ ref(records) }}
        ),

        merged_ids as (
            select part as record_id, max(record_id) as merged_into, max(loaded_at) as read_at
            from {{ split_rows("records", "merged_record_ids") }} as merged
            where part != record_id
            group by part
        ),

        own_records as (
            select
                records.record_id,
                records.properties,
                -- An id that the CRM merged into another one takes no writes of its own.
                records.is_archived or merged_ids.record_id is not null as is_archived,
                records.loaded_at as read_at,
                merged_ids.merged_into,
                '{}' as people_changed
            from records
            left join merged_ids on records.record_id = merged_ids.record_id
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
            left join records on merged_ids.record_id = records.record_id
            where records.record_id is null
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
{%- endmacro %}
