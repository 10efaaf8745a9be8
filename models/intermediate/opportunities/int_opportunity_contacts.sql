-- People on an opportunity: the CRM's associations, or what a mapping file names (a record id or an address).
with
    opportunities as (select * from {{ ref("int_opportunity_ids") }} where quarantine_reason is null),

    records as (select * from {{ ref("int_opportunity_records") }}),

    associations as (
        select * from {{ ref("int_record_associations") }} where from_object = 'deals' and to_object = 'contacts'
    ),

    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),

    contact_records as (
        select * from {{ ref("int_contact_records") }} where source != 'events' and not {{ is_crm("source") }}
    ),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    file_references as (
        select records.source, records.record_id, lower(records.contact_ref) as contact_ref
        from records
        where not {{ is_crm("records.source") }} and records.contact_ref is not null
    ),

    named as (
        select opportunities.opportunity_id, crm_ids.contact_id
        from associations
        inner join
            opportunities
            on associations.source = opportunities.source
            and associations.from_id = opportunities.record_id
        inner join crm_ids on associations.source = crm_ids.source and associations.to_id = crm_ids.record_id
        union
        select opportunities.opportunity_id, clusters.contact_id
        from file_references
        inner join
            opportunities
            on file_references.source = opportunities.source
            and file_references.record_id = opportunities.record_id
        inner join
            contact_records
            on file_references.source = contact_records.source
            and file_references.contact_ref = lower(contact_records.record_id)
        inner join clusters on contact_records.record_key = clusters.record_key
        union
        select opportunities.opportunity_id, contact_emails.contact_id
        from file_references
        inner join
            opportunities
            on file_references.source = opportunities.source
            and file_references.record_id = opportunities.record_id
        inner join
            {{ ref("int_contact_emails") }} as contact_emails
            on file_references.contact_ref = contact_emails.email_canonical
    ),

    final as (select opportunity_id, contact_id from named)

select *
from final
