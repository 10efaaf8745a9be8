-- Every CRM contact id ever seen, merged ones included, and whose it is. A merged id answers to its survivor; a lead
-- that
-- was converted is merged into its contact.
with
    records as (select * from {{ ref("int_contact_records") }} where {{ is_crm("source") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    own_ids as (select source, record_id, record_id as survivor_id, record_key, 0 as is_merged from records),

    merged_ids as (
        select source, part as record_id, record_id as survivor_id, record_key, 1 as is_merged
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
            ids.source,
            ids.record_id,
            ids.survivor_id,
            clusters.contact_id,
            max(ids.is_merged) over (partition by ids.source, ids.record_id) = 1 as is_merged_away,
            row_number() over (
                partition by ids.source, ids.record_id order by ids.is_merged desc, ids.survivor_id
            ) as choice
        from ids
        inner join clusters on ids.record_key = clusters.record_key
    ),

    final as (select source, record_id, survivor_id, contact_id, is_merged_away from ranked where choice = 1)

select *
from final
