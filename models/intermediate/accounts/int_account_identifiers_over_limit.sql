-- Identifiers that too many account records bear, or that are not trusted: they join nothing, and a domain among them
-- is a platform's, not a company's.
with
    identifiers as (select * from {{ ref("int_account_identifiers") }}),

    identifier_rules as (select * from {{ ref("identifier_rules") }}),

    counted as (
        select identifier_type, identifier_value, count(*) as record_count
        from identifiers
        group by identifier_type, identifier_value
    ),

    final as (
        select counted.identifier_type, counted.identifier_value, counted.record_count
        from counted
        left join
            identifier_rules
            on counted.identifier_type = identifier_rules.identifier_type
            and identifier_rules.is_trusted
            and (identifier_rules.max_records is null or counted.record_count <= identifier_rules.max_records)
        where identifier_rules.identifier_type is null and counted.record_count > 1
    )

select *
from final
