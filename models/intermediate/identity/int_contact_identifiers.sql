{#
    Incremental by record, and always equal to a full refresh: identifiers of a record that changed or vanished have a
    fingerprint that no record bears any more; the hook deletes them and the query below writes those of records without any.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="sync_all_columns",
        pre_hook="{{ delete_changed_rows(ref('int_contact_records'), 'record_fingerprint') }}",
    )
}}

-- What each record can be recognised by. An identifier is a type and a value; records that bear the same one are linked
-- if the rules trust the type and not too many records bear it.
with
    records as (
        select *
        from {{ ref("int_contact_records") }}
        where
            quarantine_reason is null
            {% if is_incremental() %}
                and record_fingerprint not in (select record_fingerprint from {{ this }})
            {% endif %}
    ),

    emails as (select * from {{ ref("int_clean_emails") }} where email_canonical is not null),

    merged_ids as (
        select record_key, source, part as merged_id from {{ split_rows("records", "merged_record_ids") }} as merged
    ),

    additional_emails as (
        select record_key, part as email_raw from {{ split_rows("records", "additional_emails_raw") }} as additional
    ),

    -- A record's own id and those that were merged into it.
    known_ids as (
        select record_key, source, record_id
        from records
        where source not in ('events', 'hubspot_forms')
        union
        select record_key, source, merged_id as record_id
        from merged_ids
    ),

    crm_ids as (select record_key, source || ':' || record_id as identifier_value from known_ids),

    addresses as (
        select records.record_key, emails.email_canonical, emails.is_role, emails.is_disposable
        from records
        inner join emails on records.email_raw = emails.email_raw
        union
        select additional_emails.record_key, emails.email_canonical, emails.is_role, emails.is_disposable
        from additional_emails
        inner join emails on additional_emails.email_raw = emails.email_raw
    ),

    login_ids as (select record_key, record_id as crm_user_id from known_ids where {{ is_crm("source") }}),

    identifiers as (
        select record_key, 'crm_id' as identifier_type, identifier_value
        from crm_ids
        union all
        select record_key, case when is_role then 'email_role' else 'email' end as identifier_type, email_canonical
        from addresses
        union all
        select record_key, 'phone_name' as identifier_type, phone_e164 || ' ' || first_name_key || ' ' || last_name_key
        from records
        where phone_e164 is not null and first_name_key is not null and last_name_key is not null
        union all
        select record_key, 'user_id' as identifier_type, user_id
        from records
        where user_id is not null
        union all
        select record_key, 'crm_user_id' as identifier_type, crm_user_id
        from login_ids
        union all
        -- Whether the login is a CRM id shows when a CRM record bears the same value.
        select record_key, 'crm_user_id' as identifier_type, user_id
        from records
        where user_id is not null
    ),

    final as (
        select distinct
            identifiers.record_key,
            identifiers.identifier_type,
            identifiers.identifier_value,
            {{ row_fingerprint(["identifiers.identifier_type", "identifiers.identifier_value"]) }} as identifier_hash,
            records.record_fingerprint
        from identifiers
        inner join records on identifiers.record_key = records.record_key
        where identifiers.identifier_value is not null
    )

select *
from final
