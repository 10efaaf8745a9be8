-- Grain: conversion kind and opportunity. The journey of a conversion is that of its account; without an account,
-- that of the
-- people on the opportunity.
with
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    kinds as (select * from {{ ref("attribution_conversions") }}),

    moments as (
        select
            'opportunity' as conversion_kind,
            opportunity_id,
            account_id,
            created_at as opportunity_created_at,
            cast(null as timestamp) as opportunity_closed_at,
            created_at as conversion_at,
            amount_reporting
        from opportunities

        union all

        select
            'won' as conversion_kind,
            opportunity_id,
            account_id,
            coalesce(created_at, closed_at) as opportunity_created_at,
            closed_at as opportunity_closed_at,
            closed_at as conversion_at,
            amount_reporting
        from opportunities
        where stage_kind = 'won'
    ),

    final as (
        select
            {{ hash_key(["moments.conversion_kind", "moments.opportunity_id"]) }} as conversion_id,
            moments.conversion_kind,
            moments.opportunity_id,
            moments.account_id,
            moments.opportunity_created_at,
            moments.opportunity_closed_at,
            moments.conversion_at,
            {{ dbt.dateadd("day", "-kinds.lookback_days", "moments.conversion_at") }} as journey_from_at,
            cast(coalesce(moments.amount_reporting, 0) as decimal(18, 2)) as revenue
        from moments
        inner join kinds on moments.conversion_kind = kinds.conversion_kind
        where moments.conversion_at <= {{ as_of() }}
    )

select *
from final
