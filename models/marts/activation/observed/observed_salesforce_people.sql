-- Leads and contacts together: whom a campaign may have as members. A converted lead stands for its contact.
with
    leads as (select * from {{ ref("observed_salesforce_leads") }}),

    conversions as (select record_id, converted_contact_id from {{ ref("stg_salesforce__leads") }} where is_converted),

    contacts as (select * from {{ ref("observed_salesforce_contacts") }}),

    final as (
        select
            leads.record_id,
            leads.properties,
            leads.is_archived or leads.is_converted as is_archived,
            leads.read_at,
            coalesce(conversions.converted_contact_id, leads.merged_into) as merged_into,
            leads.people_changed
        from leads
        left join conversions on leads.record_id = conversions.record_id
        union all
        select record_id, properties, is_archived, read_at, merged_into, people_changed
        from contacts
    )

select *
from final
