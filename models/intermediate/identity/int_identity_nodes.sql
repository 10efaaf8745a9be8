{#
    Incremental by record: only records that were cleaned anew are compared anew. node_fingerprint changes only when
    something that is compared changes, so that a new job owner or stage does not make a record's pairs stale.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="sync_all_columns",
        pre_hook=[
            "{{ delete_changed_rows(ref('int_contact_records'), 'record_fingerprint') }}",
            "{{ delete_changed_suggestions() }}",
        ],
    )
}}

-- What the matcher compares of each record that is not set aside.
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

    titles as (select * from {{ ref("int_job_titles") }}),

    companies as (select * from {{ ref("int_clean_companies") }}),

    -- Bob and Robert have one form, by which they are compared.
    name_forms as (select * from {{ ref("int_name_forms") }} where is_primary),

    emails as (select * from {{ ref("int_clean_emails") }}),

    cities as (
        select city, {{ words_key("city") }} as city_key
        from (select distinct city from records where city is not null) as typed
    ),

    prepared as (
        select
            records.record_key,
            records.source,
            records.record_id,
            records.created_at,
            records.first_name_key,
            coalesce(name_forms.canonical_name_key, records.first_name_key) as first_name_form,
            records.last_name_key,
            records.email_raw,
            records.email_canonical,
            {{ dbt.split_part("records.email_canonical", "'@'", 1) }} as email_local,
            records.email_domain,
            records.is_free_mail,
            coalesce(emails.is_role, false) as is_role,
            -- An address that its owner alone can be expected to read.
            records.email_status = 'valid' as is_email_verified,
            emails.suggested_email_canonical,
            records.phone_e164,
            companies.company_key,
            records.country,
            cities.city_key,
            titles.title_key,
            records.record_fingerprint
        from records
        left join emails on records.email_raw = emails.email_raw
        left join companies on records.company_name = companies.name_raw
        left join name_forms on records.first_name_key = name_forms.name_key
        left join cities on records.city = cities.city
        left join titles on records.job_title = titles.job_title
    ),

    final as (
        select
            *,
            {{
                row_fingerprint(
                    [
                        "record_key",
                        "created_at",
                        "first_name_key",
                        "first_name_form",
                        "last_name_key",
                        "email_canonical",
                        "email_local",
                        "email_domain",
                        "is_free_mail",
                        "is_role",
                        "is_email_verified",
                        "suggested_email_canonical",
                        "phone_e164",
                        "company_key",
                        "country",
                        "city_key",
                        "title_key",
                    ]
                )
            }} as node_fingerprint
        from prepared
    )

select *
from final
