-- Identifiers that more than one record bears, and whether they may link them.
with
    identifiers as (select * from {{ ref("int_contact_identifiers") }}),

    identifier_rules as (select * from {{ ref("identifier_rules") }}),

    shared as (
        select identifier_type, identifier_value, count(*) as record_count, min(record_key) as anchor_key
        from identifiers
        group by identifier_type, identifier_value
        having count(*) > 1
    ),

    final as (
        select
            shared.identifier_type,
            shared.identifier_value,
            shared.record_count,
            shared.anchor_key,
            identifier_rules.max_records,
            identifier_rules.is_trusted,
            shared.record_count > identifier_rules.max_records as is_over_limit,
            identifier_rules.is_trusted and shared.record_count <= identifier_rules.max_records as is_linking
        from shared
        inner join identifier_rules on shared.identifier_type = identifier_rules.identifier_type
    )

select *
from final
