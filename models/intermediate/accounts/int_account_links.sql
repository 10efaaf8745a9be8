with
    identifiers as (select * from {{ ref("int_account_identifiers") }}),

    identifier_rules as (select * from {{ ref("identifier_rules") }}),

    records as (select * from {{ ref("int_account_records") }}),

    shared as (
        select identifier_type, identifier_value, count(*) as record_count, min(record_key) as anchor_key
        from identifiers
        group by identifier_type, identifier_value
        having count(*) > 1
    ),

    linking as (
        select shared.identifier_type, shared.identifier_value, shared.anchor_key
        from shared
        inner join identifier_rules on shared.identifier_type = identifier_rules.identifier_type
        where identifier_rules.is_trusted and shared.record_count <= identifier_rules.max_records
    ),

    -- A mapping file's account without a domain joins the oldest account of the same name and country: one link, so
    -- that it
    -- cannot chain two accounts of different domains.
    named as (
        select
            record_key,
            domain,
            source,
            company_key || '|' || coalesce(country, '') as name_key,
            count(*) over (partition by company_key || '|' || coalesce(country, '')) as record_count,
            first_value(record_key) over (
                partition by company_key || '|' || coalesce(country, '')
                order by
                    case when source = 'hubspot' then 0 else 1 end,
                    case when created_at is null then 1 else 0 end,
                    created_at,
                    source,
                    record_id
            ) as anchor_key
        from records
        where company_key is not null
    ),

    named_links as (
        select named.record_key, named.anchor_key, named.name_key
        from named
        inner join identifier_rules on identifier_rules.identifier_type = 'company_name_country'
        where
            named.domain is null
            and named.source != 'hubspot'
            and named.record_key != named.anchor_key
            and identifier_rules.is_trusted
            and named.record_count <= identifier_rules.max_records
    ),

    final as (
        select
            identifiers.record_key,
            linking.anchor_key as linked_record_key,
            linking.identifier_type,
            linking.identifier_value
        from identifiers
        inner join
            linking
            on identifiers.identifier_type = linking.identifier_type
            and identifiers.identifier_value = linking.identifier_value
        where identifiers.record_key != linking.anchor_key
        union all
        select record_key, anchor_key, 'company_name_country' as identifier_type, name_key
        from named_links
    )

select *
from final
