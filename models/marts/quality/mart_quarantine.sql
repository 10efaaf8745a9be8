-- Everything set aside with its reason: what ingestion refused, and what the models found nothing to do with (R8).
with
    refused as (
        select source, entity, record_id, file, row_number, field, reason_code, reason, loaded_at as set_aside_at
        from {{ ref("stg_quarantine__records") }}
    ),

    contacts as (
        select
            records.source,
            case
                when crm_contacts.record_id is not null
                then 'raw_' || records.source || '.' || {{ raw_name_of("records.source", "crm_contacts.crm_object") }}
                when records.source = 'events'
                then 'raw_events.people'
                else 'raw_files.contacts'
            end as entity,
            records.record_id,
            cast(null as {{ dbt.type_string() }}) as file,
            cast(null as bigint) as row_number,
            'email' as field,
            records.quarantine_reason as reason_code,
            'No valid e-mail address, phone number or login: nobody can be recognised or reached by this record. '
            || 'Correct the address or the phone in the source.' as reason,
            records.updated_at as set_aside_at
        from {{ ref("int_contact_records") }} as records
        left join
            {{ ref("int_crm_contacts") }} as crm_contacts
            on records.source = crm_contacts.source
            and records.record_id = crm_contacts.record_id
        where records.quarantine_reason is not null and records.source != 'hubspot_forms'
    ),

    submissions as (
        select
            'hubspot' as source,
            'raw_hubspot.form_submissions' as entity,
            submission_id as record_id,
            cast(null as {{ dbt.type_string() }}) as file,
            cast(null as bigint) as row_number,
            'email' as field,
            reason_code,
            'The form received no valid e-mail address, so that the submission belongs to nobody. '
            || 'Make the field required and validated in the form.' as reason,
            submitted_at as set_aside_at
        from {{ ref("int_form_submission_fates") }}
        where reason_code is not null
    ),

    deals as (
        select
            opportunities.source,
            'raw_' || opportunities.source || '.' || {{ raw_name_of("opportunities.source", "'deals'") }} as entity,
            opportunities.record_id,
            cast(null as {{ dbt.type_string() }}) as file,
            cast(null as bigint) as row_number,
            cast(null as {{ dbt.type_string() }}) as field,
            opportunities.quarantine_reason as reason_code,
            'Archived in the CRM: no longer an opportunity. Restore it there to count it again.' as reason,
            records.updated_at as set_aside_at
        from {{ ref("int_opportunity_ids") }} as opportunities
        inner join
            {{ ref("int_opportunity_records") }} as records
            on opportunities.source = records.source
            and opportunities.record_id = records.record_id
        where opportunities.quarantine_reason is not null
    ),

    activities as (
        select
            source,
            'raw_' || source || '.' || {{ raw_name_of("source", "activity_type || 's'") }} as entity,
            record_id,
            cast(null as {{ dbt.type_string() }}) as file,
            cast(null as bigint) as row_number,
            case when quarantine_reason = 'unknown_outcome' then outcome_field end as field,
            quarantine_reason as reason_code,
            case
                quarantine_reason
                when 'unknown_outcome'
                then
                    'The outcome ('
                    || coalesce(outcome_value, 'none')
                    || ') is not in seeds/activity_outcomes.csv: nobody knows what came of it, so it is no attempt. '
                    || 'Log an outcome of the list in the CRM, or add the value to the list.'
                else 'Archived in the CRM: the activity no longer counts. Restore it there to count it again.'
            end as reason,
            created_at as set_aside_at
        from {{ ref("int_sales_activities") }}
        where quarantine_reason is not null
    ),

    enrichment as (
        select
            'enrichment' as source,
            'raw_enrichment.companies' as entity,
            provider || ':' || coalesce(domain_raw, '') as record_id,
            source_file as file,
            source_row as row_number,
            'domain' as field,
            quarantine_reason as reason_code,
            'The domain is none that a company could own: the answer cannot be joined to an account.' as reason,
            enriched_at as set_aside_at
        from {{ ref("int_enrichment_companies") }}
        where quarantine_reason is not null
    ),

    spend as (
        select
            'ads' as source,
            'raw_ads.spend' as entity,
            cast(null as {{ dbt.type_string() }}) as record_id,
            source_file as file,
            source_row as row_number,
            'currency' as field,
            quarantine_reason as reason_code,
            'The export does not tell what '
            || platform
            || coalesce(' account ' || account_id, '')
            || ' is paid in: add the account, or the platform, to seeds/ad_accounts.csv.' as reason,
            loaded_at as set_aside_at
        from {{ ref("int_ad_reports") }}
        where quarantine_reason is not null
    ),

    everything as (
        select *
        from refused
        union all
        select *
        from contacts
        union all
        select *
        from submissions
        union all
        select *
        from deals
        union all
        select *
        from activities
        union all
        select *
        from enrichment
        union all
        select *
        from spend
    ),

    numbered as (
        select
            everything.*,
            -- The same record may be refused again at a later load: each refusal is a row of its own.
            row_number() over (
                partition by source, entity, record_id, file, row_number, field, reason_code
                order by set_aside_at, reason
            ) as repetition
        from everything
    ),

    final as (
        select
            {{
                hash_key(
                    ["source", "entity", "record_id", "file", "row_number", "field", "reason_code", "repetition"]
                )
            }} as quarantine_id, source, entity, record_id, file, row_number, field, reason_code, reason, set_aside_at
        from numbered
    )

select *
from final
