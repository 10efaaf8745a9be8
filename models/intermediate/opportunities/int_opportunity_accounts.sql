-- The account of an opportunity: what the CRM or the file names, else the account of the people on it where they agree.
with
    opportunities as (select * from {{ ref("int_opportunity_ids") }} where quarantine_reason is null),

    records as (select * from {{ ref("int_opportunity_records") }}),

    associations as (
        select * from {{ ref("int_record_associations") }} where from_object = 'deals' and to_object = 'companies'
    ),

    account_records as (select * from {{ ref("int_crm_account_records") }}),

    merged_companies as (
        select record_key, source, part as merged_id
        from {{ split_rows("account_records", "merged_record_ids") }} as merged
    ),

    company_ids as (
        select source, record_id, record_key
        from account_records
        union
        select source, merged_id as record_id, record_key
        from merged_companies
    ),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    names as (select * from {{ ref("int_clean_company_names") }}),

    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),

    contact_accounts as (select * from {{ ref("int_contact_accounts") }}),

    candidates as (
        select
            opportunities.opportunity_id,
            clusters.account_id,
            case when associations.is_primary then 1 else 2 end as rank,
            'association' as match_method
        from associations
        inner join
            opportunities
            on associations.source = opportunities.source
            and associations.from_id = opportunities.record_id
        inner join
            company_ids on associations.source = company_ids.source and associations.to_id = company_ids.record_id
        inner join clusters on company_ids.record_key = clusters.record_key
        union all
        select opportunities.opportunity_id, clusters.account_id, 1 as rank, 'reference' as match_method
        from records
        inner join
            opportunities on records.source = opportunities.source and records.record_id = opportunities.record_id
        inner join company_ids on records.source = company_ids.source and records.account_ref = company_ids.record_id
        inner join clusters on company_ids.record_key = clusters.record_key
        where not {{ is_crm("records.source") }}
        union all
        select opportunities.opportunity_id, clusters.account_id, 2 as rank, 'reference' as match_method
        from records
        inner join
            opportunities on records.source = opportunities.source and records.record_id = opportunities.record_id
        inner join names on records.account_ref = names.name_raw
        inner join
            account_records
            on records.source = account_records.source
            and names.company_key = account_records.company_key
        inner join clusters on account_records.record_key = clusters.record_key
        where not {{ is_crm("records.source") }}
        union all
        select
            opportunity_contacts.opportunity_id,
            min(contact_accounts.account_id) as account_id,
            3 as rank,
            'contact' as match_method
        from opportunity_contacts
        inner join contact_accounts on opportunity_contacts.contact_id = contact_accounts.contact_id
        group by opportunity_contacts.opportunity_id
        having count(distinct contact_accounts.account_id) = 1
    ),

    ranked as (
        select
            opportunity_id,
            account_id,
            match_method,
            row_number() over (partition by opportunity_id order by rank, account_id) as choice
        from candidates
    ),

    final as (select opportunity_id, account_id, match_method from ranked where choice = 1)

select *
from final
