-- Account records that a CRM association or a mapping file names for a contact, with the way it was named and when the
-- contact's record that names it was last seen.
with
    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),

    own_associations as (select * from {{ ref("int_own_associations") }}),

    -- What write-back associated was concluded from other evidence, and is none itself.
    associations as (
        select associations.*
        from {{ ref("int_record_associations") }} as associations
        left join
            own_associations
            on associations.source = own_associations.source
            and associations.from_id = own_associations.contact_record_id
            and associations.to_id = own_associations.company_record_id
        where
            associations.from_object = 'contacts'
            and associations.to_object = 'companies'
            and own_associations.contact_record_id is null
    ),

    account_records as (select * from {{ ref("int_crm_account_records") }}),

    record_ids as (select * from {{ ref("int_account_record_ids") }}),

    contact_records as (select * from {{ ref("int_contact_records") }} where quarantine_reason is null),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    names as (select * from {{ ref("int_clean_company_names") }} where not is_no_company),

    named as (
        select
            crm_ids.contact_id,
            record_ids.record_key,
            case when associations.is_primary then 'association_primary' else 'association' end as match_method,
            contact_records.record_key as contact_record_key
        from associations
        inner join crm_ids on associations.source = crm_ids.source and associations.from_id = crm_ids.record_id
        inner join record_ids on associations.source = record_ids.source and associations.to_id = record_ids.record_id
        inner join
            contact_records
            on crm_ids.source = contact_records.source
            and crm_ids.survivor_id = contact_records.record_id
        union all
        select
            clusters.contact_id,
            record_ids.record_key,
            case
                when {{ is_crm("contact_records.source") }} then 'association_primary' else 'reference'
            end as match_method,
            contact_records.record_key as contact_record_key
        from contact_records
        inner join clusters on contact_records.record_key = clusters.record_key
        inner join
            record_ids
            on contact_records.source = record_ids.source
            and contact_records.account_ref = record_ids.record_id
        left join
            own_associations
            on contact_records.source = own_associations.source
            and contact_records.record_id = own_associations.contact_record_id
            and contact_records.account_ref = own_associations.company_record_id
        where own_associations.contact_record_id is null
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
        where not {{ is_crm("contact_records.source") }}
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
