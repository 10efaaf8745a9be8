-- Company domains a contact writes from. Free mail and throw-away domains are not companies, and neither is a slip of
-- one:
-- an address at `gmial.com` names no company, one at `acme.con` names that of `acme.com`.
with
    identifiers as (
        select * from {{ ref("int_contact_identifiers") }} where identifier_type in ('email', 'email_role')
    ),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    -- The company's domain that each written domain stands for.
    meant_domains as (
        select
            written.domain_raw as email_domain,
            coalesce(meant.domain, written.domain) as domain,
            case when suggestions.email_domain is null then 0 else 1 end as is_slip
        from {{ ref("int_clean_domains") }} as written
        left join
            {{ ref("int_email_domain_suggestions") }} as suggestions on written.domain_raw = suggestions.email_domain
        left join {{ ref("int_clean_domains") }} as meant on suggestions.suggested_domain = meant.domain_raw
        where
            coalesce(meant.domain, written.domain) is not null
            and not coalesce(meant.is_shared, false)
            and (meant.domain is not null or not written.is_shared)
    ),

    addresses as (
        select
            identifiers.record_key,
            identifiers.identifier_value as email_canonical,
            meant_domains.email_domain,
            meant_domains.domain,
            meant_domains.is_slip
        from identifiers
        inner join
            meant_domains on {{ dbt.split_part("identifiers.identifier_value", "'@'", 2) }} = meant_domains.email_domain
    ),

    final as (
        select
            clusters.contact_id,
            addresses.domain,
            max(coalesce(records.updated_at, records.created_at)) as last_seen_at,
            -- A CRM keeps the addresses that a person had before beside the one in use.
            max(case when addresses.email_canonical = records.email_canonical then 1 else 0 end) = 1 as is_main,
            max(case when records.is_archived then 0 else 1 end) = 1 as is_live,
            min(addresses.is_slip) = 1 as is_slip,
            min(addresses.email_domain) as written_domain
        from addresses
        inner join clusters on addresses.record_key = clusters.record_key
        inner join records on addresses.record_key = records.record_key
        group by clusters.contact_id, addresses.domain
    )

select *
from final
