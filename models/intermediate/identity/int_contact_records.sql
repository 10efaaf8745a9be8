-- Every contact of every source in one shape. A record that nobody can be recognised or reached by is set aside with a
-- reason, not dropped (R8).
with
    -- Not the CRM's own time of modification: writing our fields back moves it, and no value may survive over another
    -- because we wrote beside it. What people did to the properties whose history is read counts.
    edits as (
        select object_id as record_id, max(changed_at) as edited_at
        from {{ ref("stg_hubspot__property_history") }}
        where object_type = 'contacts'
        group by object_id
    ),

    hubspot as (
        select
            'hubspot' as source,
            contacts.record_id,
            contacts.created_at,
            case
                when edits.edited_at > contacts.created_at then edits.edited_at else contacts.created_at
            end as updated_at,
            email_raw,
            additional_emails_raw,
            phone_raw,
            first_name,
            last_name,
            job_title,
            company_name,
            country_raw,
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
        from {{ ref("stg_hubspot__contacts") }} as contacts
        left join edits on contacts.record_id = edits.record_id
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

    forms as (
        select
            'hubspot_forms' as source,
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
            cast(null as {{ dbt.type_string() }}) as user_id,
            cast(null as {{ dbt.type_string() }}) as account_ref
        from {{ ref("int_form_people") }}
    ),

    events as (
        select
            'events' as source,
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
        from {{ ref("int_event_people") }}
    ),

    records as (
        select *
        from hubspot
        union all
        select *
        from files
        union all
        select *
        from forms
        union all
        select *
        from events
    ),

    emails as (select * from {{ ref("int_clean_emails") }}),

    phones as (select * from {{ ref("int_clean_phones") }}),

    names as (select * from {{ ref("int_clean_names") }}),

    titles as (select * from {{ ref("int_job_titles") }}),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    capture_methods as (select * from {{ ref("capture_methods") }}),

    capture_matches as (
        select
            kinds.source,
            kinds.object_source,
            capture_methods.capture_method,
            row_number() over (
                partition by kinds.source, kinds.object_source
                order by
                    case when capture_methods.source = '*' then 1 else 0 end,
                    case when capture_methods.object_source = '*' then 1 else 0 end
            ) as match_rank
        from (select distinct source, coalesce(object_source, '') as object_source from records) as kinds
        inner join
            capture_methods
            on capture_methods.source in (kinds.source, '*')
            and capture_methods.object_source in (kinds.object_source, '*')
    ),

    final as (
        select
            {{ hash_key(["records.source", "records.record_id"]) }} as record_key,
            records.source,
            records.record_id,
            records.created_at,
            records.updated_at,
            records.email_raw,
            emails.email,
            emails.email_canonical,
            emails.email_domain,
            coalesce(emails.email_status, 'missing') as email_status,
            coalesce(emails.is_free_mail, false) as is_free_mail,
            records.additional_emails_raw,
            records.phone_raw,
            phones.phone_e164,
            coalesce(phones.phone_status, 'missing') as phone_status,
            first_names.name as first_name,
            last_names.name as last_name,
            first_names.name_key as first_name_key,
            last_names.name_key as last_name_key,
            records.first_name as first_name_raw,
            records.last_name as last_name_raw,
            records.job_title,
            titles.buying_role,
            titles.seniority,
            records.company_name,
            country_aliases.country_code as country,
            records.country_raw,
            records.language,
            records.lifecycle_stage,
            records.lead_status,
            records.owner_id,
            records.is_opted_out,
            records.is_archived,
            records.merged_record_ids,
            records.user_id,
            records.account_ref,
            records.declared_employee_count,
            records.declared_annual_revenue,
            coalesce(capture_matches.capture_method, 'unknown') as capture_method,
            case
                when emails.email is null and phones.phone_e164 is null and records.user_id is null
                then 'no_usable_identifier'
            end as quarantine_reason
        from records
        left join emails on records.email_raw = emails.email_raw
        left join country_aliases on lower(records.country_raw) = country_aliases.alias
        left join
            phones
            on records.phone_raw = phones.phone_raw
            and coalesce(country_aliases.country_code, '') = phones.country_code
        left join names as first_names on records.first_name = first_names.name_raw
        left join names as last_names on records.last_name = last_names.name_raw
        left join titles on records.job_title = titles.job_title
        left join
            capture_matches
            on records.source = capture_matches.source
            and coalesce(records.object_source, '') = capture_matches.object_source
            and capture_matches.match_rank = 1
    )

select *
from final
