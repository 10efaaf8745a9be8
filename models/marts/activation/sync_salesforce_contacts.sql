-- One row per live Contact, with the account it belongs to there: neighbours in one account are sent together.
with
    targets as ({{ contact_sync_targets("salesforce", "contacts") }}),

    people as (select * from {{ ref("int_contact_activation") }}),

    crm_contacts as (
        select record_id, associated_company_id from {{ ref("int_crm_contacts") }} where source = 'salesforce'
    ),

    final as (
        select
            targets.sync_key,
            targets.record_id,
            people.contact_id,
            crm_contacts.associated_company_id as parent_record_id,
            people.is_opted_out,
            people.lead_score,
            people.fit_score,
            people.engagement_score,
            people.lead_grade,
            people.lead_stage,
            people.lead_stage_since,
            people.reason_1,
            people.reason_2,
            people.reason_3,
            people.account_grade,
            people.account_missing_roles
        from targets
        inner join people on targets.contact_id = people.contact_id
        left join crm_contacts on targets.record_id = crm_contacts.record_id
    )

select *
from final
