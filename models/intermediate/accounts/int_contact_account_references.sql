-- Account records that a CRM association or a mapping file names for a contact, with the way it was named and when the
-- contact's record that names it was last seen.
with
    hubspot_ids as (select * from {{ ref("int_hubspot_contact_ids") }}),

    associations as (
        select * from {{ ref("int_hubspot_associations") }} where from_object = 'contacts' and to_object = 'companies'
    ),

    account_records as (select * from {{ ref("int_crm_account_records") }}),

    record_ids as (select * from {{ ref("int_account_record_ids") }}),

    contact_records as (select * from {{ ref("int_contact_records") }} where quarantine_reason is null),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    names as (select * from {{ ref("int_clean_company_names") }} where not is_no_company),

    named as (
        select
            hubspot_ids.contact_id,
            record_ids.record_key,
            case when associations.is_primary then 'association_primary' else 'association' end as match_method,
            contact_records.record_key as contact_record_key
        from associations
        inner join hubspot_ids on associations.from_id = hubspot_ids.hubspot_id
        inner join record_ids on associations.to_id = record_ids.record_id and record_ids.source = 'hubspot'
        inner join
            contact_records
            on hubspot_ids.survivor_id = contact_records.record_id
            and contact_records.source = 'hubspot'
        union all
        select
            clusters.contact_id,
            record_ids.record_key,
            case
                when contact_records.source = 'hubspot' then 'association_primary' else 'reference'
            end as match_method,
            contact_records.record_key as contact_record_key
        from contact_records
        inner join clusters on contact_records.record_key = clusters.record_key
        inner join
            record_ids
            on contact_records.source = record_ids.source
            and contact_records.account_ref = record_ids.record_id
        union all
        select
            clusters.contact_id,
            account_records.record_key,
            'reference' as match_method,
            contact_records.record_key as contact_record_key
        from contact_records
        inner join clusters on contact_records.record_key = clusters.record_key
        inner join names on contact_records.account_ref = names.name_raw
        inner join
            account_records
            on contact_records.source = account_records.source
            and names.company_key = account_records.company_key
        where contact_records.source != 'hubspot'
    ),

    final as (
        select
            named.contact_id,
            named.record_key,
            named.match_method,
            max(coalesce(contact_records.updated_at, contact_records.created_at)) as last_seen_at,
            max(case when contact_records.is_archived then 0 else 1 end) = 1 as is_live
        from named
        inner join contact_records on named.contact_record_key = contact_records.record_key
        group by named.contact_id, named.record_key, named.match_method
    )

select *
from final
