-- Company domains a contact writes from. Free mail and throw-away domains are not companies, and neither is a slip of
-- one:
-- an address at `gmial.com` names no company, one at `acme.con` names that of `acme.com`.
with
    identifiers as (
        select * from {{ ref("int_contact_identifiers") }} where identifier_type in ('email', 'email_role')
    ),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    suggestions as (select * from {{ ref("int_email_domain_suggestions") }}),

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

    meant as (
        select
            addresses.contact_id,
            addresses.email_domain,
            coalesce(suggestions.suggested_domain, addresses.email_domain) as meant_domain,
            case when suggestions.email_domain is null then 0 else 1 end as is_slip,
            addresses.last_seen_at,
            addresses.is_main,
            addresses.is_live
        from addresses
        left join suggestions on addresses.email_domain = suggestions.email_domain
    ),

    final as (
        select
            meant.contact_id,
            domains.domain,
            max(meant.last_seen_at) as last_seen_at,
            max(meant.is_main) = 1 as is_main,
            max(meant.is_live) = 1 as is_live,
            min(meant.is_slip) = 1 as is_slip,
            min(meant.email_domain) as written_domain
        from meant
        inner join domains on meant.meant_domain = domains.domain_raw
        group by meant.contact_id, domains.domain
    )

select *
from final
