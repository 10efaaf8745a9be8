{{ config(materialized="view") }}

-- Contacts of every source in one shape, as the sources give them. The fingerprint tells whether a record is still
-- the one
-- that was cleaned: it covers every value, and the rules and models that clean them (contact_cleaning_version).
with
    -- Not the CRM's own time of modification: writing our fields back moves it, and no value may survive over another
    -- because we wrote beside it. What people did to the properties whose history is read counts.
    edits as (
        select source, object_id as record_id, max(changed_at) as edited_at
        from {{ ref("int_crm_property_history") }}
        where object_type = 'contacts' and not is_own_write
        group by source, object_id
    ),

    -- A record that write-back made is the echo of what other sources said: it has no moment of its own, is the
    -- youngest
    -- record of its person, and the values we gave it are nobody's until somebody changes them.
    own_records as (select * from {{ ref("int_own_crm_records") }}),

    crm as (
        select
            contacts.source,
            contacts.record_id,
            case when own_records.record_id is null then contacts.created_at end as created_at,
            case
                when own_records.record_id is not null
                then edits.edited_at
                when edits.edited_at > contacts.created_at
                then edits.edited_at
                else contacts.created_at
            end as updated_at,
            email_raw,
            additional_emails_raw,
            phone_raw,
            case when contacts.first_name = own_records.first_name then null else contacts.first_name end as first_name,
            case when contacts.last_name = own_records.last_name then null else contacts.last_name end as last_name,
            case when contacts.job_title = own_records.job_title then null else contacts.job_title end as job_title,
            company_name,
            country_raw,
            city,
            language,
            lifecycle_stage,
            lead_status,
            owner_id,
            is_opted_out,
            is_archived,
            merged_record_ids,
            object_source,
            declared_employee_count,
            declared_annual_revenue,
            cast(null as {{ dbt.type_string() }}) as user_id,
            associated_company_id as account_ref
        from {{ ref("int_crm_contacts") }} as contacts
        left join edits on contacts.source = edits.source and contacts.record_id = edits.record_id
        left join own_records on contacts.source = own_records.source and contacts.record_id = own_records.record_id
    ),

    files as (
        select
            source,
            record_id,
            created_at,
            coalesce(updated_at, created_at) as updated_at,
            email_raw,
            cast(null as {{ dbt.type_string() }}) as additional_emails_raw,
            phone_raw,
            first_name,
            last_name,
            job_title,
            cast(null as {{ dbt.type_string() }}) as company_name,
            country_raw,
            cast(null as {{ dbt.type_string() }}) as city,
            language,
            lifecycle_stage,
            lead_status,
            owner_ref as owner_id,
            is_opted_out,
            false as is_archived,
            cast(null as {{ dbt.type_string() }}) as merged_record_ids,
            cast(null as {{ dbt.type_string() }}) as object_source,
            cast(null as bigint) as declared_employee_count,
            cast(null as decimal(18, 2)) as declared_annual_revenue,
            cast(null as {{ dbt.type_string() }}) as user_id,
            account_ref
        from {{ ref("stg_files__contacts") }}
    ),

    -- Forms and trackers name people by little: the CRM's columns are unknown of them.
    named as (
        select
            'hubspot_forms' as source,
            record_id,
            created_at,
            updated_at,
            email_raw,
            phone_raw,
            first_name,
            last_name,
            job_title,
            cast(null as {{ dbt.type_string() }}) as user_id
        from {{ ref("int_form_people") }}
        union all
        select
            'events' as source,
            record_id,
            created_at,
            updated_at,
            email_raw,
            phone_raw,
            first_name,
            last_name,
            job_title,
            user_id
        from {{ ref("int_event_people") }}
    ),

    people as (
        select
            source,
            record_id,
            created_at,
            updated_at,
            email_raw,
            cast(null as {{ dbt.type_string() }}) as additional_emails_raw,
            phone_raw,
            first_name,
            last_name,
            job_title,
            cast(null as {{ dbt.type_string() }}) as company_name,
            cast(null as {{ dbt.type_string() }}) as country_raw,
            cast(null as {{ dbt.type_string() }}) as city,
            cast(null as {{ dbt.type_string() }}) as language,
            cast(null as {{ dbt.type_string() }}) as lifecycle_stage,
            cast(null as {{ dbt.type_string() }}) as lead_status,
            cast(null as {{ dbt.type_string() }}) as owner_id,
            false as is_opted_out,
            false as is_archived,
            cast(null as {{ dbt.type_string() }}) as merged_record_ids,
            cast(null as {{ dbt.type_string() }}) as object_source,
            cast(null as bigint) as declared_employee_count,
            cast(null as decimal(18, 2)) as declared_annual_revenue,
            user_id,
            cast(null as {{ dbt.type_string() }}) as account_ref
        from named
    ),

    records as (
        select *
        from crm
        union all
        select *
        from files
        union all
        select *
        from people
    ),

    version as ({{ contact_cleaning_version() }}),

    final as (
        select
            {{ hash_key(["records.source", "records.record_id"]) }} as record_key,
            records.source,
            records.record_id,
            records.created_at,
            records.updated_at,
            records.email_raw,
            records.additional_emails_raw,
            records.phone_raw,
            records.first_name,
            records.last_name,
            records.job_title,
            records.company_name,
            records.country_raw,
            records.city,
            records.language,
            records.lifecycle_stage,
            records.lead_status,
            records.owner_id,
            records.is_opted_out,
            records.is_archived,
            records.merged_record_ids,
            records.object_source,
            records.declared_employee_count,
            records.declared_annual_revenue,
            records.user_id,
            records.account_ref,
            {{
                row_fingerprint(
                    [
                        "records.source",
                        "records.record_id",
                        "records.created_at",
                        "records.updated_at",
                        "records.email_raw",
                        "records.additional_emails_raw",
                        "records.phone_raw",
                        "records.first_name",
                        "records.last_name",
                        "records.job_title",
                        "records.company_name",
                        "records.country_raw",
                        "records.city",
                        "records.language",
                        "records.lifecycle_stage",
                        "records.lead_status",
                        "records.owner_id",
                        "records.is_opted_out",
                        "records.is_archived",
                        "records.merged_record_ids",
                        "records.object_source",
                        "records.declared_employee_count",
                        "records.declared_annual_revenue",
                        "records.user_id",
                        "records.account_ref",
                        "version.cleaning_version",
                    ]
                )
            }} as record_fingerprint
        from records
        cross join version
    )

select *
from final
