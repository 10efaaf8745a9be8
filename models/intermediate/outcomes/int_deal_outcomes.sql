-- What came of the deals of a company, or of those a person was part of: won counts before lost, open says nothing yet.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where stage_kind in ('won', 'lost')),

    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),

    account_deals as (
        select 'account' as entity, account_id as entity_id, opportunity_id, stage_kind
        from opportunities
        where account_id is not null
    ),

    contact_deals as (
        select 'contact' as entity, opportunity_contacts.contact_id as entity_id, opportunities.stage_kind
        from opportunities
        inner join opportunity_contacts on opportunities.opportunity_id = opportunity_contacts.opportunity_id

        union all

        select 'contact' as entity, contact_id as entity_id, stage_kind
        from opportunities
        where contact_id is not null
    ),

    deals as (
        select entity, entity_id, stage_kind
        from account_deals
        union all
        select entity, entity_id, stage_kind
        from contact_deals
    ),

    final as (
        select entity, entity_id, max(case when stage_kind = 'won' then 1 else 0 end) = 1 as is_won
        from deals
        group by entity, entity_id
    )

select *
from final
