-- Accounts that a CRM or a mapping file names.
with
    crm as (
        select
            source,
            record_id,
            created_at,
            -- Not the CRM's own time of modification: writing our fields back moves it.
            created_at as updated_at,
            name,
            coalesce(domain_raw, website) as domain_raw,
            website as domain_fallback,
            additional_domains_raw,
            country_raw,
            industry,
            activity_code,
            activity_code_system,
            employee_count,
            annual_revenue,
            revenue_currency,
            owner_id,
            parent_record_id as parent_ref,
            merged_record_ids,
            is_archived
        from {{ ref("int_crm_companies") }}
    ),

    files as (
        select
            source,
            record_id,
            created_at,
            created_at as updated_at,
            name,
            domain_raw,
            cast(null as {{ dbt.type_string() }}) as domain_fallback,
            cast(null as {{ dbt.type_string() }}) as additional_domains_raw,
            country_raw,
            industry,
            activity_code,
            activity_code_system,
            employee_count,
            annual_revenue,
            revenue_currency,
            owner_ref as owner_id,
            parent_ref,
            cast(null as {{ dbt.type_string() }}) as merged_record_ids,
            false as is_archived
        from {{ ref("stg_files__accounts") }}
    ),

    records as (
        select *
        from crm
        union all
        select *
        from files
    ),

    domains as (select * from {{ ref("int_clean_domains") }}),

    names as (select * from {{ ref("int_clean_company_names") }}),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    reporting_currency as (select currency from {{ ref("reporting_currency") }}),

    final as (
        select
            {{ hash_key(["'account'", "records.source", "records.record_id"]) }} as record_key,
            records.source,
            records.record_id,
            records.created_at,
            records.updated_at,
            records.name,
            names.company_key,
            -- Free mail and throw-away domains name no company.
            coalesce(
                case when not domains.is_shared then domains.domain end,
                case when not fallback_domains.is_shared then fallback_domains.domain end
            ) as domain,
            records.additional_domains_raw,
            country_aliases.country_code as country,
            records.country_raw,
            records.industry,
            records.activity_code,
            records.activity_code_system,
            records.employee_count,
            records.annual_revenue,
            case
                when records.annual_revenue is not null
                then coalesce(records.revenue_currency, (select currency from reporting_currency))
            end as revenue_currency,
            records.owner_id,
            records.parent_ref,
            records.merged_record_ids,
            records.is_archived
        from records
        left join domains on records.domain_raw = domains.domain_raw
        left join domains as fallback_domains on records.domain_fallback = fallback_domains.domain_raw
        left join names on records.name = names.name_raw
        left join country_aliases on lower(records.country_raw) = country_aliases.alias
    )

select *
from final
