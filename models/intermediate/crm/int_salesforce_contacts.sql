-- Leads and contacts in one shape. A lead that was converted is a record that was merged into its contact.
with
    leads as (select * from {{ ref("stg_salesforce__leads") }}),

    contacts as (select * from {{ ref("stg_salesforce__contacts") }}),

    statuses as (
        select value, means
        from {{ ref("crm_values") }}
        where source = 'salesforce' and entity = 'contacts' and field = 'lead_status'
    ),

    owners as (select owner_id from {{ ref("int_salesforce_owners") }}),

    merged as (
        select root as record_id, {{ dbt.listagg("node", "';'", "order by node") }} as merged_record_ids
        from {{ ref("int_salesforce_survivors") }}
        where node != root
        group by root
    ),

    people as (
        select
            record_id,
            'leads' as crm_object,
            created_at,
            updated_at,
            is_archived or is_converted as is_archived,
            archived_at,
            email_raw,
            additional_emails_raw,
            first_name,
            last_name,
            phone_raw,
            company_name,
            job_title,
            website,
            city,
            state,
            country_raw,
            language,
            lifecycle_stage,
            -- The org's own field tells more than the picklist that conversion needs.
            coalesce(own_lead_status, status) as lead_status_raw,
            owner_id,
            record_source,
            lead_source,
            created_by_id,
            is_opted_out,
            cast(null as {{ dbt.type_string() }}) as account_id,
            declared_employee_count,
            declared_annual_revenue,
            properties,
            loaded_at
        from leads
        union all
        select
            record_id,
            'contacts' as crm_object,
            created_at,
            updated_at,
            is_archived,
            archived_at,
            email_raw,
            additional_emails_raw,
            first_name,
            last_name,
            phone_raw,
            company_name,
            job_title,
            website,
            city,
            state,
            country_raw,
            language,
            lifecycle_stage,
            own_lead_status as lead_status_raw,
            owner_id,
            record_source,
            lead_source,
            created_by_id,
            is_opted_out,
            account_id,
            declared_employee_count,
            declared_annual_revenue,
            properties,
            loaded_at
        from contacts
    ),

    final as (
        select
            people.record_id,
            people.crm_object,
            people.created_at,
            people.updated_at,
            people.is_archived,
            people.archived_at,
            people.email_raw,
            people.additional_emails_raw,
            people.first_name,
            people.last_name,
            people.phone_raw,
            people.company_name,
            people.job_title,
            people.website,
            people.city,
            people.state,
            people.country_raw,
            people.language,
            people.lifecycle_stage,
            coalesce(statuses.means, upper(people.lead_status_raw)) as lead_status,
            -- Salesforce leaves no record without an owner: a queue's or a machine's is nobody's.
            owners.owner_id,
            -- Without a field of the org's own, where the lead came from is the nearest to how.
            coalesce(people.record_source, people.lead_source) as object_source,
            people.lead_source as analytics_source,
            people.is_opted_out,
            merged.merged_record_ids,
            people.account_id as associated_company_id,
            people.declared_employee_count,
            people.declared_annual_revenue,
            people.properties,
            people.loaded_at
        from people
        left join statuses on lower(people.lead_status_raw) = statuses.value
        left join owners on people.owner_id = owners.owner_id
        left join merged on people.record_id = merged.record_id
    )

select *
from final
