-- Every HubSpot contact id ever seen, merged ones included, and whose it is. A merged id answers to its survivor.
with
    records as (select * from {{ ref("int_contact_records") }} where source = 'hubspot'),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    own_ids as (
        select records.record_id as hubspot_id, records.record_id as survivor_id, records.record_key, 0 as is_merged
        from records
    ),

    merged_ids as (
        select part as hubspot_id, record_id as survivor_id, record_key, 1 as is_merged
        from {{ split_rows("records", "merged_record_ids") }} as merged
    ),

    ids as (
        select *
        from own_ids
        union all
        select *
        from merged_ids
    ),

    ranked as (
        select
            ids.hubspot_id,
            ids.survivor_id,
            clusters.contact_id,
            max(ids.is_merged) over (partition by ids.hubspot_id) = 1 as is_merged_away,
            row_number() over (partition by ids.hubspot_id order by ids.is_merged desc, ids.survivor_id) as choice
        from ids
        inner join clusters on ids.record_key = clusters.record_key
    ),

    final as (select hubspot_id, survivor_id, contact_id, is_merged_away from ranked where choice = 1)

select *
from final
