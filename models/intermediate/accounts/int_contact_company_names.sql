-- Companies that a contact's records say the person works at, as the CRM, a form or a mapping file has it.
with
    records as (select * from {{ ref("int_contact_records") }} where quarantine_reason is null),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    form_answers as (select * from {{ ref("int_form_company_answers") }}),

    names as (select * from {{ ref("int_clean_company_names") }}),

    account_record_ids as (select * from {{ ref("int_account_record_ids") }}),

    declared as (
        select
            record_key,
            company_name as name_raw,
            country,
            coalesce(updated_at, created_at) as last_seen_at,
            not is_archived as is_live
        from records
        where company_name is not null
        union all
        select records.record_key, form_answers.name_raw, records.country, form_answers.last_seen_at, true as is_live
        from form_answers
        inner join records on form_answers.record_id = records.record_id and records.source = 'hubspot_forms'
        union all
        -- A mapping file's reference is a record id or a name.
        select
            records.record_key,
            records.account_ref as name_raw,
            records.country,
            coalesce(records.updated_at, records.created_at) as last_seen_at,
            not records.is_archived as is_live
        from records
        left join
            account_record_ids
            on records.source = account_record_ids.source
            and records.account_ref = account_record_ids.record_id
        where
            not {{ is_crm("records.source") }}
            and records.account_ref is not null
            and account_record_ids.record_key is null
    ),

    -- A form does not ask for the country; another record of the person may tell it.
    countries as (
        select
            clusters.contact_id,
            records.country,
            row_number() over (
                partition by clusters.contact_id
                order by
                    case when records.is_archived then 1 else 0 end,
                    case when coalesce(records.updated_at, records.created_at) is null then 1 else 0 end,
                    coalesce(records.updated_at, records.created_at) desc,
                    records.country
            ) as choice
        from records
        inner join clusters on records.record_key = clusters.record_key
        where records.country is not null
    ),

    ranked as (
        select
            clusters.contact_id,
            coalesce(names.company_key, '') as company_key,
            names.is_no_company,
            declared.name_raw,
            declared.country,
            declared.last_seen_at,
            declared.is_live,
            row_number() over (
                partition by clusters.contact_id, coalesce(names.company_key, '')
                order by
                    case when declared.is_live then 0 else 1 end,
                    case when declared.country is null then 1 else 0 end,
                    case when declared.last_seen_at is null then 1 else 0 end,
                    declared.last_seen_at desc,
                    declared.name_raw,
                    declared.country
            ) as choice,
            max(declared.last_seen_at) over (
                partition by clusters.contact_id, coalesce(names.company_key, '')
            ) as newest_at
        from declared
        inner join clusters on declared.record_key = clusters.record_key
        inner join names on declared.name_raw = names.name_raw
    ),

    final as (
        select
            ranked.contact_id,
            ranked.company_key,
            ranked.name_raw,
            coalesce(ranked.country, countries.country) as country,
            ranked.newest_at as last_seen_at,
            ranked.is_live,
            ranked.is_no_company
        from ranked
        left join countries on ranked.contact_id = countries.contact_id and countries.choice = 1
        where ranked.choice = 1
    )

select *
from final
