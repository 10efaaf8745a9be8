{#
    Credit = the shares that a touch's places give it, divided by the sum of the shares given in its journey. From this one
    rule follow the degenerate cases: a share with nobody to take it (no middle touch, no lead creation in the look-back) is
    spread over the others in proportion; a touch that holds several milestones gets their sum. A model that gives a journey
    nothing at all (every touch after `credit_until`, channels without an effect) falls back on equal shares. Time decay shares
    by age against the last touch; Markov and Shapley by the effect of the touch's channel, equally among its touches.
#}
with
    conversions as (select * from {{ ref("int_conversions") }}),
    journeys as (select * from {{ ref("int_journey_touches") }}),
    effects as (select * from {{ ref("int_channel_effects") }}),
    attribution_models as (select * from {{ ref("attribution_models") }}),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    models as (
        select
            model,
            row_number() over (order by model) as model_number,
            method,
            coalesce(first_touch, 0) as first_touch,
            coalesce(lead_creation, 0) as lead_creation,
            coalesce(opportunity_creation, 0) as opportunity_creation,
            coalesce(customer_close, 0) as customer_close,
            coalesce(last_touch, 0) as last_touch,
            coalesce(middle, 0) as middle,
            coalesce(every_touch, 0) as every_touch,
            half_life_days,
            skips_direct,
            credit_until
        from attribution_models
    ),

    -- Every model looks at every touch: whole numbers are carried through, names are looked up at the end.
    numbered as (select *, row_number() over (order by conversion_id) as conversion_number from conversions),

    stops as (
        select
            numbered.conversion_number,
            numbered.conversion_id,
            numbered.conversion_kind,
            numbered.journey_level,
            numbered.contact_id,
            numbered.opportunity_id,
            numbered.account_id,
            numbered.conversion_at,
            numbered.revenue,
            numbered.is_new_customer,
            journeys.touch_number,
            journeys.skips_direct,
            journeys.touch_id,
            journeys.touch_at,
            journeys.touch_type,
            journeys.channel,
            journeys.campaign,
            journeys.content,
            journeys.channel_touches,
            journeys.days_before_last,
            journeys.is_first_touch,
            journeys.is_lead_creation,
            journeys.is_opportunity_creation,
            journeys.is_customer_close,
            journeys.is_last_touch,
            journeys.is_until_opportunity
        from journeys
        inner join numbered on journeys.conversion_id = numbered.conversion_id
    ),

    places as (
        select
            stops.*,
            cast(coalesce(markov.share, 0) as double) as markov_share,
            cast(coalesce(shapley.share, 0) as double) as shapley_share
        from stops
        left join
            effects as markov
            on markov.method = 'markov'
            and stops.conversion_kind = markov.conversion_kind
            and stops.channel = markov.channel
        left join
            effects as shapley
            on shapley.method = 'shapley'
            and stops.conversion_kind = shapley.conversion_kind
            and stops.channel = shapley.channel
    ),

    placed as (
        select
            places.conversion_number,
            places.revenue,
            places.touch_number,
            models.model_number,
            models.middle,
            models.every_touch,
            models.credit_until = 'conversion' or places.is_until_opportunity as is_eligible,
            case when places.is_first_touch then models.first_touch else 0 end
            + case when places.is_lead_creation then models.lead_creation else 0 end
            + case when places.is_opportunity_creation then models.opportunity_creation else 0 end
            + case when places.is_customer_close then models.customer_close else 0 end
            + case when places.is_last_touch then models.last_touch else 0 end as milestone_share,
            cast(
                case
                    models.method
                    when 'time_decay'
                    then power(cast(2 as double), - places.days_before_last / cast(models.half_life_days as double))
                    when 'markov'
                    then places.markov_share / places.channel_touches
                    when 'shapley'
                    then places.shapley_share / places.channel_touches
                    else 0
                end as decimal(18, 12)
            ) as measured_share
        from places
        inner join models on places.skips_direct = models.skips_direct
    ),

    counted as (
        select
            *,
            count(*) over (partition by conversion_number, model_number) as touches,
            sum(case when is_eligible then 1 else 0 end) over (
                partition by conversion_number, model_number
            ) as eligible_touches,
            sum(case when is_eligible and milestone_share = 0 then 1 else 0 end) over (
                partition by conversion_number, model_number
            ) as middle_touches,
            sum(case when is_eligible then milestone_share + measured_share else 0 end) over (
                partition by conversion_number, model_number
            ) as placed_share
        from placed
    ),

    shared as (
        select
            conversion_number,
            revenue,
            touch_number,
            model_number,
            touches,
            case
                when is_eligible
                then
                    cast(milestone_share + measured_share as double)
                    + case when milestone_share = 0 then cast(middle as double) / middle_touches else 0 end
                    + cast(every_touch as double) / eligible_touches
                else 0
            end as share,
            cast(placed_share as double)
            + case when middle_touches > 0 then cast(middle as double) else 0 end
            + case when eligible_touches > 0 then cast(every_touch as double) else 0 end as total_share
        from counted
    ),

    rounded as (
        select
            conversion_number,
            revenue,
            touch_number,
            model_number,
            cast(
                case when total_share = 0 then cast(1 as double) / touches else share / total_share end as decimal(
                    18, 12
                )
            ) as credit
        from shared
    ),

    valued as (
        select *, cast(cast(revenue as double) * cast(credit as double) as decimal(18, 2)) as credited_revenue
        from rounded
        where credit > 0
    ),

    totalled as (
        select
            *,
            max(touch_number) over (partition by conversion_number, model_number) as last_credited,
            sum(credit) over (partition by conversion_number, model_number) as total_credit,
            sum(credited_revenue) over (partition by conversion_number, model_number) as total_revenue
        from valued
    ),

    -- What rounding leaves over goes to the last credited touch: credits add up to exactly 1, and revenue to the cent.
    exact as (
        select
            conversion_number,
            touch_number,
            model_number,
            case when touch_number = last_credited then credit + 1 - total_credit else credit end as credit,
            case
                when touch_number = last_credited then credited_revenue + revenue - total_revenue else credited_revenue
            end as credited_revenue
        from totalled
    ),

    final as (
        select
            stops.conversion_id,
            stops.touch_id,
            models.model,
            stops.conversion_kind,
            stops.journey_level,
            stops.contact_id,
            stops.opportunity_id,
            stops.account_id,
            stops.touch_at,
            stops.touch_type,
            stops.channel,
            stops.campaign,
            stops.content,
            stops.conversion_at,
            cast(exact.credit as decimal(18, 12)) as credit,
            cast(exact.credited_revenue as decimal(18, 2)) as credited_revenue,
            currencies.currency,
            stops.is_new_customer
        from exact
        inner join models on exact.model_number = models.model_number
        inner join
            stops
            on exact.conversion_number = stops.conversion_number
            and exact.touch_number = stops.touch_number
            and models.skips_direct = stops.skips_direct
        cross join currencies
    )

select *
from final
