with
    contacts as (select * from {{ ref("stg_hubspot__contacts") }}),

    contact_ids as (select * from {{ ref("int_hubspot_contact_ids") }}),

    final as (
        select
            contacts.record_id,
            contacts.properties,
            -- An id that the CRM merged into another one takes no writes of its own.
            contacts.is_archived or coalesce(contact_ids.is_merged_away, false) as is_archived,
            contacts.loaded_at as read_at
        from contacts
        left join contact_ids on contacts.record_id = contact_ids.hubspot_id
    )

select *
from final
