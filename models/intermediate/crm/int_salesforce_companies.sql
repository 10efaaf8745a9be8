with
    accounts as (select * from {{ ref("stg_salesforce__accounts") }}),

    industries as (
        select value, means
        from {{ ref("crm_values") }}
        where source = 'salesforce' and entity = 'companies' and field = 'industry'
    ),

    owners as (select owner_id from {{ ref("int_salesforce_owners") }}),

    merged as (
        select root as record_id, {{ dbt.listagg("node", "';'", "order by node") }} as merged_record_ids
        from {{ ref("int_salesforce_survivors") }}
        where node != root
        group by root
    ),

    final as (
        select
            accounts.record_id,
            accounts.created_at,
            accounts.updated_at,
            accounts.is_archived,
            accounts.archived_at,
            accounts.name,
            accounts.domain_raw,
            accounts.additional_domains_raw,
            accounts.website,
            accounts.phone_raw,
            accounts.city,
            accounts.state,
            accounts.country_raw,
            coalesce(industries.means, accounts.industry) as industry,
            accounts.employee_count,
            accounts.annual_revenue,
            accounts.revenue_currency,
            accounts.parent_record_id,
            owners.owner_id,
            accounts.lifecycle_stage,
            merged.merged_record_ids,
            accounts.activity_code,
            accounts.activity_code_system,
            accounts.properties,
            accounts.loaded_at
        from accounts
        left join industries on lower(accounts.industry) = industries.value
        left join owners on accounts.owner_id = owners.owner_id
        left join merged on accounts.record_id = merged.record_id
    )

select *
from final
