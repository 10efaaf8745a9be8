{{ config(materialized="parent_chains") }}

-- Which record each merged record, and each converted lead, ended in, over any number of merges. A contact that we
-- cannot
-- see survives nothing: its lead then stands for itself.
with
    records as (
        select record_id, created_at, coalesce(master_record_id, converted_contact_id) as merged_into
        from {{ ref("stg_salesforce__leads") }}
        union all
        select record_id, created_at, master_record_id as merged_into
        from {{ ref("stg_salesforce__contacts") }}
        union all
        select record_id, created_at, master_record_id as merged_into
        from {{ ref("stg_salesforce__accounts") }}
    ),

    merges as (
        select merged.record_id, merged.merged_into
        from records as merged
        inner join records as survivors on merged.merged_into = survivors.record_id
    ),

    related as (
        select record_id
        from merges
        union
        select merged_into as record_id
        from merges
    )

select records.record_id as node, merges.merged_into as parent, records.created_at as born_at
from records
inner join related on records.record_id = related.record_id
left join merges on records.record_id = merges.record_id
