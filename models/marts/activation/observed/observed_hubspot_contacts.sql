{#
    Contacts as last read, with what the planner asks of them: the record that a merged one became, and which properties a person
    changed last. A property whose history is read and whose last change was a program's stands there with null; one whose history is
    not read is missing.
#}
with
    contacts as (select * from {{ ref("stg_hubspot__contacts") }}),

    contact_ids as (select * from {{ ref("int_contact_crm_ids") }} where source = 'hubspot'),

    property_history as (
        select * from {{ ref("stg_hubspot__property_history") }} where object_type in ('contact', 'contacts')
    ),

    automation_sources as (select * from {{ ref("automation_sources") }}),

    changes as (
        select
            property_history.object_id,
            property_history.property,
            property_history.changed_at,
            -- What a form sets are the portal's defaults for a new contact, nobody's decision.
            automation_sources.object_source is null
            and coalesce(property_history.source_type, '') != 'FORM' as is_persons,
            row_number() over (
                partition by property_history.object_id, property_history.property
                order by
                    property_history.changed_at desc,
                    case when automation_sources.object_source is null then 0 else 1 end,
                    property_history.value
            ) as recency
        from property_history
        left join automation_sources on property_history.source_type = automation_sources.object_source
    ),

    people as ({{ people_changed("changes") }}),

    own_records as (
        select
            contacts.record_id,
            contacts.properties,
            -- An id that the CRM merged into another one takes no writes of its own.
            contacts.is_archived or coalesce(contact_ids.is_merged_away, false) as is_archived,
            contacts.loaded_at as read_at,
            contacts.updated_at as changed_at,
            case when contact_ids.is_merged_away then contact_ids.survivor_id end as merged_into,
            coalesce(people.people_changed, '{}') as people_changed
        from contacts
        left join contact_ids on contacts.record_id = contact_ids.record_id
        left join people on contacts.record_id = people.object_id
    ),

    -- A record that was merged away before it was ever read is known by its survivor alone.
    merged_unread as (
        select
            contact_ids.record_id as record_id,
            '{}' as properties,
            true as is_archived,
            survivors.loaded_at as read_at,
            cast(null as {{ dbt.type_timestamp() }}) as changed_at,
            contact_ids.survivor_id as merged_into,
            '{}' as people_changed
        from contact_ids
        inner join contacts as survivors on contact_ids.survivor_id = survivors.record_id
        left join contacts on contact_ids.record_id = contacts.record_id
        where contact_ids.is_merged_away and contacts.record_id is null
    ),

    final as (
        select *
        from own_records
        union all
        select *
        from merged_unread
    )

select *
from final
