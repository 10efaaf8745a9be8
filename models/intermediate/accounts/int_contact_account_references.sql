-- Account records that a CRM association or a mapping file names for a contact, with the way it was named.
with
    hubspot_ids as (select * from {{ ref("int_hubspot_contact_ids") }}),

    associations as (
        select * from {{ ref("int_hubspot_associations") }} where from_object = 'contacts' and to_object = 'companies'
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

    contact_records as (select * from {{ ref("int_contact_records") }} where account_ref is not null),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    names as (select * from {{ ref("int_clean_company_names") }}),

    named as (
        select
            hubspot_ids.contact_id,
            company_ids.record_key,
            case when associations.is_primary then 'association_primary' else 'association' end as match_method
        from associations
        inner join hubspot_ids on associations.from_id = hubspot_ids.hubspot_id
        inner join company_ids on associations.to_id = company_ids.record_id and company_ids.source = 'hubspot'
        union
        select clusters.contact_id, company_ids.record_key, 'association_primary' as match_method
        from contact_records
        inner join clusters on contact_records.record_key = clusters.record_key
        inner join
            company_ids
            on contact_records.source = company_ids.source
            and contact_records.account_ref = company_ids.record_id
        where contact_records.source = 'hubspot'
        union
        select clusters.contact_id, company_ids.record_key, 'reference' as match_method
        from contact_records
        inner join clusters on contact_records.record_key = clusters.record_key
        inner join
            company_ids
            on contact_records.source = company_ids.source
            and contact_records.account_ref = company_ids.record_id
        where contact_records.source != 'hubspot'
        union
        select clusters.contact_id, account_records.record_key, 'reference' as match_method
        from contact_records
        inner join clusters on contact_records.record_key = clusters.record_key
        inner join names on contact_records.account_ref = names.name_raw
        inner join
            account_records
            on contact_records.source = account_records.source
            and names.company_key = account_records.company_key
        where contact_records.source != 'hubspot'
    ),

    final as (select contact_id, record_key, match_method from named)

select *
from final
