-- Links between account records, each with what both bear. Every record is linked to one anchor per identifier, so a
-- link by name cannot chain two companies of different domains.
with
    identifiers as (select * from {{ ref("int_account_identifiers") }}),

    over_limit as (select * from {{ ref("int_account_identifiers_over_limit") }}),

    twins as (select * from {{ ref("int_account_name_twins") }} where twin_key is not null),

    learned_domains as (select * from {{ ref("int_account_learned_domains") }}),

    domain_records as (select * from {{ ref("int_account_records") }} where source = 'contact_domain'),

    shared as (
        select identifiers.identifier_type, identifiers.identifier_value, min(identifiers.record_key) as anchor_key
        from identifiers
        left join
            over_limit
            on identifiers.identifier_type = over_limit.identifier_type
            and identifiers.identifier_value = over_limit.identifier_value
        where over_limit.identifier_value is null
        group by identifiers.identifier_type, identifiers.identifier_value
        having count(*) > 1
    ),

    final as (
        select
            identifiers.record_key,
            shared.anchor_key as linked_record_key,
            identifiers.identifier_type,
            identifiers.identifier_value
        from identifiers
        inner join
            shared
            on identifiers.identifier_type = shared.identifier_type
            and identifiers.identifier_value = shared.identifier_value
        where identifiers.record_key != shared.anchor_key
        union all
        select
            record_key,
            twin_key as linked_record_key,
            'company_name_country' as identifier_type,
            name_key as identifier_value
        from twins
        union all
        select
            domain_records.record_key,
            learned_domains.record_key as linked_record_key,
            'company_learned_domain' as identifier_type,
            learned_domains.domain as identifier_value
        from learned_domains
        inner join domain_records on learned_domains.domain = domain_records.record_id
    )

select *
from final
