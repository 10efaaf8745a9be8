-- Company domains a contact writes from. Free mail and throw-away domains are not companies.
with
    identifiers as (
        select * from {{ ref("int_contact_identifiers") }} where identifier_type in ('email', 'email_role')
    ),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    domains as (select * from {{ ref("int_clean_domains") }} where domain is not null and not is_shared),

    addresses as (
        select
            clusters.contact_id,
            {{ dbt.split_part("identifiers.identifier_value", "'@'", 2) }} as email_domain,
            max(coalesce(records.updated_at, records.created_at)) as last_seen_at,
            -- A CRM keeps the addresses that a person had before beside the one in use.
            max(case when identifiers.identifier_value = records.email_canonical then 1 else 0 end) as is_main,
            max(case when records.is_archived then 0 else 1 end) as is_live
        from identifiers
        inner join clusters on identifiers.record_key = clusters.record_key
        inner join records on identifiers.record_key = records.record_key
        group by 1, 2
    ),

    final as (
        select
            addresses.contact_id,
            domains.domain,
            max(addresses.last_seen_at) as last_seen_at,
            max(addresses.is_main) = 1 as is_main,
            max(addresses.is_live) = 1 as is_live
        from addresses
        inner join domains on addresses.email_domain = domains.domain_raw
        group by addresses.contact_id, domains.domain
    )

select *
from final
