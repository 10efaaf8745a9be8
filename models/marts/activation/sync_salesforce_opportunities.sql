-- One row per open opportunity of Salesforce: its account's readiness and its primary contact's. Closed ones keep
-- what they
-- closed with.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where source = 'salesforce' and stage_kind = 'open'),

    accounts as (select * from {{ ref("int_account_activation") }}),

    people as (select * from {{ ref("int_contact_activation") }}),

    final as (
        select
            opportunities.opportunity_id as sync_key,
            opportunities.source_record_id as record_id,
            opportunities.opportunity_id,
            accounts.salesforce_record_id as parent_record_id,
            accounts.account_score,
            accounts.account_grade,
            accounts.engaged_contacts,
            accounts.committee,
            accounts.missing_roles,
            people.lead_score as contact_score,
            people.lead_grade as contact_grade,
            people.lead_stage as contact_stage,
            accounts.reason_1,
            accounts.reason_2,
            accounts.reason_3
        from opportunities
        left join accounts on opportunities.account_id = accounts.account_id
        left join people on opportunities.contact_id = people.contact_id
    )

select *
from final
