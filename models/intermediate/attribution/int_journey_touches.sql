{#
    Grain: conversion, touch, skips_direct. The journey to each conversion and the places that a touch holds in it; where a
    model skips direct visits, the journey once more without them (a journey of direct visits alone keeps them).
#}
with
    conversions as (select * from {{ ref("int_conversions") }}),
    conversion_people as (select * from {{ ref("int_conversion_people") }}),
    touches as (select * from {{ ref("int_touch_runs") }} where is_run_start),
    captures as (select * from {{ ref("fct_stage_transitions") }} where from_stage is null),
    channels as (select * from {{ ref("dim_channels") }}),
    models as (select * from {{ ref("attribution_models") }}),

    -- Lead creation: when the first person of the account, or of the conversion, was captured.
    account_leads as (
        select account_id, min(transition_at) as lead_created_at
        from captures
        where account_id is not null
        group by account_id
    ),

    people_leads as (
        select conversion_people.conversion_id, min(captures.transition_at) as lead_created_at
        from conversion_people
        inner join captures on conversion_people.contact_id = captures.contact_id
        group by conversion_people.conversion_id
    ),

    journeys as (
        select
            conversions.conversion_id,
            conversions.conversion_at,
            conversions.opportunity_created_at,
            conversions.opportunity_closed_at,
            account_leads.lead_created_at,
            touches.touch_id,
            touches.touch_at,
            touches.touch_type,
            touches.channel,
            touches.campaign,
            touches.content
        from conversions
        inner join
            touches
            on conversions.account_id = touches.account_id
            and conversions.conversion_at >= touches.touch_at
            and conversions.journey_from_at <= touches.touch_at
        left join account_leads on conversions.account_id = account_leads.account_id
        where conversions.journey_level = 'account'

        union all

        select
            conversions.conversion_id,
            conversions.conversion_at,
            conversions.opportunity_created_at,
            conversions.opportunity_closed_at,
            people_leads.lead_created_at,
            touches.touch_id,
            touches.touch_at,
            touches.touch_type,
            touches.channel,
            touches.campaign,
            touches.content
        from conversions
        inner join conversion_people on conversions.conversion_id = conversion_people.conversion_id
        inner join
            touches
            on conversion_people.contact_id = touches.contact_id
            and conversions.conversion_at >= touches.touch_at
            and conversions.journey_from_at <= touches.touch_at
        left join people_leads on conversions.conversion_id = people_leads.conversion_id
    ),

    counted as (
        select
            journeys.*,
            coalesce(channels.is_direct, false) as is_direct,
            sum(case when coalesce(channels.is_direct, false) then 0 else 1 end) over (
                partition by journeys.conversion_id
            ) as touches_not_direct
        from journeys
        left join channels on journeys.channel = channels.channel
    ),

    -- The whole journey is always there: channel effects are measured on it.
    variants as (
        select false as skips_direct
        union distinct
        select skips_direct
        from models
    ),

    kept as (
        select counted.*, variants.skips_direct
        from counted
        inner join variants on not variants.skips_direct or not counted.is_direct or counted.touches_not_direct = 0
    ),

    -- A milestone is held by the last touch up to its moment, the first and the last touch by their place. A lead
    -- created
    -- after the conversion was created by none of its touches.
    numbered as (
        select
            *,
            row_number() over (partition by conversion_id, skips_direct order by touch_at, touch_id) as touch_number,
            row_number() over (
                partition by conversion_id, skips_direct order by touch_at desc, touch_id desc
            ) as touches_left,
            sum(case when touch_at <= lead_created_at and lead_created_at <= conversion_at then 1 else 0 end) over (
                partition by conversion_id, skips_direct
            ) as touches_until_lead,
            sum(case when touch_at <= opportunity_created_at then 1 else 0 end) over (
                partition by conversion_id, skips_direct
            ) as touches_until_opportunity,
            count(*) over (partition by conversion_id, skips_direct, channel) as channel_touches,
            max(touch_at) over (partition by conversion_id, skips_direct) as last_touch_at
        from kept
    ),

    final as (
        select
            conversion_id,
            touch_id,
            skips_direct,
            touch_at,
            touch_type,
            channel,
            campaign,
            content,
            touch_number,
            channel_touches,
            {{ days_between("touch_at", "last_touch_at") }} as days_before_last,
            touch_number = 1 as is_first_touch,
            touch_number = touches_until_lead as is_lead_creation,
            touch_number = touches_until_opportunity as is_opportunity_creation,
            opportunity_closed_at is not null and touches_left = 1 as is_customer_close,
            touches_left = 1 as is_last_touch,
            coalesce(touch_at <= opportunity_created_at, true) as is_until_opportunity
        from numbered
    )

select *
from final
