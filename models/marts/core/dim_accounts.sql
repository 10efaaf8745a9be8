with
    clusters as (select * from {{ ref("int_account_clusters") }}),

    records as (select * from {{ ref("int_account_records") }}),

    attributes as (select * from {{ ref("int_account_attributes") }} where is_surviving),

    roots as (select * from {{ ref("int_account_roots") }}),

    contact_counts as (
        select account_id, count(*) as contact_count from {{ ref("int_contact_accounts") }} group by account_id
    ),

    leading_records as (
        select clusters.account_id, records.source, records.record_id
        from clusters
        inner join records on clusters.record_key = records.record_key
        where clusters.is_leading
    ),

    -- Ids that the CRM merged into another record no longer take writes.
    merged_away as (
        select distinct source, part as record_id
        from {{ split_rows("records", "merged_record_ids") }} as merged
        where {{ is_crm("source") }}
    ),

    crm_records as (
        select
            clusters.account_id,
            records.source,
            records.record_id,
            row_number() over (
                partition by clusters.account_id, records.source order by records.created_at, records.record_id
            ) as age_rank
        from clusters
        inner join records on clusters.record_key = records.record_key
        left join merged_away on records.source = merged_away.source and records.record_id = merged_away.record_id
        where {{ is_crm("records.source") }} and not records.is_archived and merged_away.record_id is null
    ),

    written_to as (
        select
            account_id,
            max(case when source = 'hubspot' then record_id end) as hubspot_record_id,
            max(case when source = 'salesforce' then record_id end) as salesforce_record_id
        from crm_records
        where age_rank = 1
        group by account_id
    ),

    surviving as (
        select
            account_id,
            max(case when field = 'name' then value end) as account_name,
            max(case when field = 'domain' then value end) as domain,
            max(case when field = 'country' then value end) as country,
            max(case when field = 'activity_code' then value end) as activity_code,
            max(case when field = 'activity_code' then qualifier end) as activity_code_system,
            max(case when field = 'industry' then value end) as industry,
            max(case when field = 'employee_count' then value end) as employee_count,
            max(case when field = 'annual_revenue' then value end) as annual_revenue,
            max(case when field = 'annual_revenue' then qualifier end) as revenue_currency,
            max(case when field = 'owner_id' then value end) as owner_id
        from attributes
        group by account_id
    ),

    final as (
        select
            leading_records.account_id,
            surviving.account_name,
            surviving.domain,
            surviving.country,
            surviving.activity_code,
            surviving.activity_code_system,
            surviving.industry,
            {{ try_cast("surviving.employee_count", "bigint") }} as employee_count,
            {{ try_cast("surviving.annual_revenue", "decimal(18, 2)") }} as annual_revenue,
            surviving.revenue_currency,
            surviving.owner_id,
            roots.parent_account_id,
            coalesce(roots.root_account_id, leading_records.account_id) as root_account_id,
            coalesce(roots.is_circular, false) as is_parent_circular,
            written_to.hubspot_record_id,
            written_to.salesforce_record_id,
            leading_records.source,
            leading_records.record_id as source_record_id,
            coalesce(contact_counts.contact_count, 0) as contact_count,
            case
                when {{ is_crm("leading_records.source") }}
                then 'crm'
                when leading_records.source = 'contact_domain'
                then 'domain'
                else 'mapping_file'
            end as match_method
        from leading_records
        left join surviving on leading_records.account_id = surviving.account_id
        left join roots on leading_records.account_id = roots.account_id
        left join contact_counts on leading_records.account_id = contact_counts.account_id
        left join written_to on leading_records.account_id = written_to.account_id
    )

select *
from final
