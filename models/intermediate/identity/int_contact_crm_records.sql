-- The live records of each contact, CRM by CRM. A duplicate in the CRM has several; writes of contact-level facts go to
-- all, creation and lists look at the primary one: the oldest, a contact before a lead.
with
    records as (select * from {{ ref("int_contact_records") }} where {{ is_crm("source") }} and not is_archived),

    ids as (select * from {{ ref("int_contact_crm_ids") }} where not is_merged_away),

    crm_contacts as (select source, record_id, crm_object from {{ ref("int_crm_contacts") }}),

    final as (
        select
            records.source,
            crm_contacts.crm_object as object,
            records.record_id,
            ids.contact_id,
            row_number() over (
                partition by records.source, ids.contact_id
                order by
                    case crm_contacts.crm_object when 'contacts' then 0 else 1 end,
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.record_id
            )
            = 1 as is_primary
        from records
        inner join ids on records.source = ids.source and records.record_id = ids.record_id
        inner join crm_contacts on records.source = crm_contacts.source and records.record_id = crm_contacts.record_id
    )

select *
from final
