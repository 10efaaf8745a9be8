with
    contacts as (select * from {{ ref("stg_hubspot__contacts") }}),

    contact_ids as (select * from {{ ref("int_contact_crm_ids") }} where source = 'hubspot'),

    final as (
        select
            contacts.record_id,
            contacts.properties,
            -- An id that the CRM merged into another one takes no writes of its own.
            contacts.is_archived or coalesce(contact_ids.is_merged_away, false) as is_archived,
            contacts.loaded_at as read_at
        from contacts
        left join contact_ids on contacts.record_id = contact_ids.record_id
    )

select *
from final
