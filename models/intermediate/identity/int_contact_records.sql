{#
    Incremental by record, and always equal to a full refresh: a record whose values, or whose cleaning rules, changed in
    any way has another fingerprint; the hook deletes it, and those that vanished, and the query below writes it anew. Only
    the records to write are cleaned and joined.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="sync_all_columns",
        pre_hook="{{ delete_changed_rows(ref('int_contact_inputs'), 'record_fingerprint') }}",
    )
}}

-- Every contact of every source in one shape, cleaned. A record that nobody can be recognised or reached by is set
-- aside
-- with a reason, not dropped (R8).
with
    records as (
        select *
        from {{ ref("int_contact_inputs") }}
        {% if is_incremental() %} where record_fingerprint not in (select record_fingerprint from {{ this }}){% endif %}
    ),

    emails as (select * from {{ ref("int_clean_emails") }}),

    phones as (select * from {{ ref("int_clean_phones") }}),

    names as (select * from {{ ref("int_clean_names") }}),

    titles as (select * from {{ ref("int_job_titles") }}),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    countries as (select * from {{ ref("int_clean_countries") }}),

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
            records.record_key,
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
            countries.country_code as country,
            records.country_raw,
            records.city,
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
            end as quarantine_reason,
            records.record_fingerprint
        from records
        left join emails on records.email_raw = emails.email_raw
        left join countries on records.country_raw = countries.country_raw
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
