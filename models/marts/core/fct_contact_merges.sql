-- Every record that was joined to the one that leads its contact, and what it was recognised by (R5): a shared
-- identifier, a
-- matched pair with its weight in words, or a decision. One row per record and evidence.
with
    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    links as (select * from {{ ref("int_identity_evidence") }}),

    evidence as (
        select kind, record_key, linked_record_key, identifier_type, identifier_value, match_weight, reason
        from links
        union
        select
            kind,
            linked_record_key as record_key,
            record_key as linked_record_key,
            identifier_type,
            identifier_value,
            match_weight,
            reason
        from links
    ),

    merged as (
        select clusters.record_key, clusters.contact_id, records.source, records.record_id
        from clusters
        inner join records on clusters.record_key = records.record_key
        where not clusters.is_leading
    ),

    leading_records as (
        select clusters.contact_id, clusters.record_key as kept_record_key, records.source, records.record_id
        from clusters
        inner join records on clusters.record_key = records.record_key
        where clusters.is_leading
    ),

    final as (
        select
            {{
                hash_key(
                    [
                        "merged.record_key",
                        "evidence.linked_record_key",
                        "evidence.kind",
                        "evidence.identifier_type",
                        "evidence.identifier_value",
                    ]
                )
            }} as merge_id,
            merged.contact_id,
            merged.source,
            merged.record_id,
            leading_record.source as kept_source,
            leading_record.record_id as kept_record_id,
            evidence.kind as evidence_kind,
            evidence.identifier_type,
            evidence.identifier_value,
            evidence.match_weight,
            evidence.reason,
            linked.source as linked_source,
            linked.record_id as linked_record_id
        from merged
        inner join leading_records as leading_record on merged.contact_id = leading_record.contact_id
        inner join evidence on merged.record_key = evidence.record_key
        inner join records as linked on evidence.linked_record_key = linked.record_key
    )

select *
from final
