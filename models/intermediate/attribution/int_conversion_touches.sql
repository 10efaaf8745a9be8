-- Grain: conversion and touch. The journey, with the milestones that a touch holds.
with
    conversions as (select * from {{ ref("int_conversions") }}),
    touches as (select * from {{ ref("fct_touches") }} where contact_id is not null and is_attributable),
    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    transitions as (select * from {{ ref("fct_stage_transitions") }} where from_stage is null),

    people_on_opportunity as (
        select opportunity_id, contact_id
        from opportunity_contacts
        union distinct
        select opportunity_id, contact_id
        from opportunities
        where contact_id is not null
    ),

    -- Lead creation: when the first person of the account (or of the opportunity) was captured.
    account_leads as (
        select account_id, min(transition_at) as lead_created_at
        from transitions
        where account_id is not null
        group by account_id
    ),

    opportunity_leads as (
        select people_on_opportunity.opportunity_id, min(transitions.transition_at) as lead_created_at
        from people_on_opportunity
        inner join transitions on people_on_opportunity.contact_id = transitions.contact_id
        group by people_on_opportunity.opportunity_id
    ),

    journeys as (
        select
            conversions.conversion_id,
            conversions.opportunity_created_at,
            conversions.opportunity_closed_at,
            account_leads.lead_created_at,
            touches.touch_id,
            touches.touch_at,
            touches.channel,
            touches.campaign,
            touches.content
        from conversions
        inner join
            touches
            on conversions.account_id = touches.account_id
            and conversions.conversion_at >= touches.touch_at
            and conversions.journey_from_at <= touches.touch_at
        -- A lead created after the conversion was created by none of its touches.
        left join
            account_leads
            on conversions.account_id = account_leads.account_id
            and conversions.conversion_at >= account_leads.lead_created_at

        union all

        select
            conversions.conversion_id,
            conversions.opportunity_created_at,
            conversions.opportunity_closed_at,
            opportunity_leads.lead_created_at,
            touches.touch_id,
            touches.touch_at,
            touches.channel,
            touches.campaign,
            touches.content
        from conversions
        inner join people_on_opportunity on conversions.opportunity_id = people_on_opportunity.opportunity_id
        inner join
            touches
            on people_on_opportunity.contact_id = touches.contact_id
            and conversions.conversion_at >= touches.touch_at
            and conversions.journey_from_at <= touches.touch_at
        left join
            opportunity_leads
            on conversions.opportunity_id = opportunity_leads.opportunity_id
            and conversions.conversion_at >= opportunity_leads.lead_created_at
        where conversions.account_id is null
    ),

    -- A milestone is held by the last touch up to its moment; the first and the last touch by their place.
    numbered as (
        select
            *,
            touch_at <= opportunity_created_at as is_until_opportunity,
            row_number() over (partition by conversion_id order by touch_at, touch_id) as touch_number,
            row_number() over (partition by conversion_id order by touch_at desc, touch_id desc) as touches_left,
            sum(case when touch_at <= lead_created_at then 1 else 0 end) over (
                partition by conversion_id
            ) as touches_until_lead,
            sum(case when touch_at <= opportunity_created_at then 1 else 0 end) over (
                partition by conversion_id
            ) as touches_until_opportunity
        from journeys
    ),

    final as (
        select
            conversion_id,
            touch_id,
            touch_at,
            channel,
            campaign,
            content,
            touch_number,
            touch_number = 1 as is_first_touch,
            touch_number = touches_until_lead as is_lead_creation,
            touch_number = touches_until_opportunity as is_opportunity_creation,
            opportunity_closed_at is not null and touches_left = 1 as is_customer_close,
            touches_left = 1 as is_last_touch,
            coalesce(is_until_opportunity, false) as is_until_opportunity
        from numbered
    )

select *
from final
