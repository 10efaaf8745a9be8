-- Every account of every source in one shape; a company that only its people's addresses tell of is an account too.
with
    crm_records as (select * from {{ ref("int_crm_account_records") }}),

    account_references as (select distinct contact_id from {{ ref("int_contact_account_references") }}),

    contact_domains as (select * from {{ ref("int_contact_domains") }}),

    learned_domains as (select distinct domain from {{ ref("int_account_learned_domains") }}),

    first_seen as (
        select contact_domains.domain, min(contact_domains.last_seen_at) as created_at
        from contact_domains
        left join account_references on contact_domains.contact_id = account_references.contact_id
        left join learned_domains on contact_domains.domain = learned_domains.domain
        where account_references.contact_id is null or learned_domains.domain is not null
        group by contact_domains.domain
    ),

    known_domains as (select distinct domain from crm_records where domain is not null),

    domain_records as (
        select
            {{ hash_key(["'account'", "'contact_domain'", "first_seen.domain"]) }} as record_key,
            'contact_domain' as source,
            first_seen.domain as record_id,
            cast(null as timestamp) as created_at,
            first_seen.created_at as updated_at,
            first_seen.domain as name,
            cast(null as {{ dbt.type_string() }}) as company_key,
            first_seen.domain,
            cast(null as {{ dbt.type_string() }}) as additional_domains_raw,
            cast(null as {{ dbt.type_string() }}) as country,
            cast(null as {{ dbt.type_string() }}) as country_raw,
            cast(null as {{ dbt.type_string() }}) as industry,
            cast(null as {{ dbt.type_string() }}) as activity_code,
            cast(null as {{ dbt.type_string() }}) as activity_code_system,
            cast(null as bigint) as employee_count,
            cast(null as decimal(18, 2)) as annual_revenue,
            cast(null as {{ dbt.type_string() }}) as revenue_currency,
            cast(null as {{ dbt.type_string() }}) as owner_id,
            cast(null as {{ dbt.type_string() }}) as parent_ref,
            cast(null as {{ dbt.type_string() }}) as merged_record_ids,
            false as is_archived
        from first_seen
        left join known_domains on first_seen.domain = known_domains.domain
        where known_domains.domain is null
    ),

    all_records as (
        select *
        from crm_records
        union all
        select *
        from domain_records
    ),

    -- Who sells to consumers has no accounts, whatever the sources hold.
    final as (select * from all_records where {{ setting("account_layer", "account_match_settings") }} = 1)

select *
from final
