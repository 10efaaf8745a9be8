-- Every account record that was joined to the one that leads its account, and what both were recognised by. One row per
-- record and evidence.
with
    clusters as (select * from {{ ref("int_account_clusters") }}),

    records as (select * from {{ ref("int_account_records") }}),

    links as (select * from {{ ref("int_account_links") }}),

    evidence as (
        select record_key, linked_record_key, identifier_type, identifier_value
        from links
        union
        select linked_record_key as record_key, record_key as linked_record_key, identifier_type, identifier_value
        from links
    ),

    leading_records as (
        select clusters.account_id, records.source, records.record_id
        from clusters
        inner join records on clusters.record_key = records.record_key
        where clusters.is_leading
    ),

    final as (
        select
            {{
                hash_key(
                    [
                        "clusters.record_key",
                        "evidence.linked_record_key",
                        "evidence.identifier_type",
                        "evidence.identifier_value",
                    ]
                )
            }} as merge_id,
            clusters.account_id,
            records.source,
            records.record_id,
            leading_records.source as kept_source,
            leading_records.record_id as kept_record_id,
            evidence.identifier_type,
            evidence.identifier_value,
            linked.source as linked_source,
            linked.record_id as linked_record_id
        from clusters
        inner join records on clusters.record_key = records.record_key
        inner join leading_records on clusters.account_id = leading_records.account_id
        inner join evidence on clusters.record_key = evidence.record_key
        inner join records as linked on evidence.linked_record_key = linked.record_key
        where not clusters.is_leading
    )

select *
from final
