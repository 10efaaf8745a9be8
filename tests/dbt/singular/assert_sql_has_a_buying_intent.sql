-- Nobody is sales qualified without a buying intention on record, then or before (R31); a contact request is none
-- (R32).
with
    became_sql as (select * from {{ ref("fct_stage_transitions") }} where to_stage = 'sql'),
    first_intents as (
        select contact_id, min(intent_at) as first_intent_at
        from {{ ref("fct_intent_events") }}
        where is_buying_intent
        group by contact_id
    ),
    -- A deal is an expression of intent whoever of its contacts stands on it.
    first_deals as (
        select opportunity_contacts.contact_id, min(opportunities.created_at) as first_deal_at
        from {{ ref("int_opportunity_contacts") }} as opportunity_contacts
        inner join
            {{ ref("fct_opportunities") }} as opportunities
            on opportunity_contacts.opportunity_id = opportunities.opportunity_id
        group by opportunity_contacts.contact_id
    )

select became_sql.transition_id, became_sql.contact_id, became_sql.transition_at
from became_sql
left join first_intents on became_sql.contact_id = first_intents.contact_id
left join first_deals on became_sql.contact_id = first_deals.contact_id
where
    coalesce(first_intents.first_intent_at <= became_sql.transition_at, false) = false
    and coalesce(first_deals.first_deal_at <= became_sql.transition_at, false) = false
