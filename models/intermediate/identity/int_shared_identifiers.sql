-- Identifiers that more than one record bears, and whether they may link them. Hashes find what repeats, because few
-- of the
-- values do; the values themselves decide.
with
    identifier_rules as (select * from {{ ref("identifier_rules") }}),

    identifiers as (
        select record_key, identifier_type, identifier_value, identifier_hash
        from {{ ref("int_contact_identifiers") }}
        union all
        select record_key, identifier_type, identifier_value, identifier_hash
        from {{ ref("int_device_identifiers") }}
    ),

    repeated as (select identifier_hash from identifiers group by identifier_hash having count(*) > 1),

    shared as (
        select identifier_type, identifier_value, count(*) as record_count, min(record_key) as anchor_key
        from identifiers
        where identifier_hash in (select identifier_hash from repeated)
        group by identifier_type, identifier_value
        having count(*) > 1
    ),

    final as (
        select
            shared.identifier_type,
            shared.identifier_value,
            {{ row_fingerprint(["shared.identifier_type", "shared.identifier_value"]) }} as identifier_hash,
            shared.record_count,
            shared.anchor_key,
            identifier_rules.rank,
            identifier_rules.names_must_agree,
            identifier_rules.max_records,
            identifier_rules.is_trusted,
            shared.record_count > identifier_rules.max_records as is_over_limit,
            identifier_rules.is_trusted and shared.record_count <= identifier_rules.max_records as is_linking
        from shared
        inner join identifier_rules on shared.identifier_type = identifier_rules.identifier_type
    )

select *
from final
