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

    placed as (
        select
            journeys.conversion_id,
            journeys.touch_id,
            journeys.touch_number,
            models.model,
            models.method,
            models.middle,
            models.every_touch,
            models.credit_until = 'conversion' or journeys.is_until_opportunity as is_eligible,
            case when journeys.is_first_touch then models.first_touch else 0 end
            + case when journeys.is_lead_creation then models.lead_creation else 0 end
            + case when journeys.is_opportunity_creation then models.opportunity_creation else 0 end
            + case when journeys.is_customer_close then models.customer_close else 0 end
            + case when journeys.is_last_touch then models.last_touch else 0 end as milestone_share,
            case
                when models.method = 'time_decay'
                then power(cast(2 as double), - journeys.days_before_last / cast(models.half_life_days as double))
                else coalesce(cast(effects.share as double), 0) / journeys.channel_touches
            end as measured_share
        from journeys
        inner join models on journeys.skips_direct = models.skips_direct
        inner join conversions on journeys.conversion_id = conversions.conversion_id
        left join
            effects
            on models.method = effects.method
            and conversions.conversion_kind = effects.conversion_kind
            and journeys.channel = effects.channel
    ),

    counted as (
        select
            *,
            sum(case when is_eligible then 1 else 0 end) over (partition by conversion_id, model) as eligible_touches,
            sum(case when is_eligible and milestone_share = 0 then 1 else 0 end) over (
                partition by conversion_id, model
            ) as middle_touches
        from placed
    ),

    shared as (
        select
            conversion_id,
            touch_id,
            touch_number,
            model,
            cast(
                case
                    when not is_eligible
                    then 0
                    when method != 'weights'
                    then measured_share
                    else
                        cast(milestone_share as double)
                        + case when milestone_share = 0 then cast(middle as double) / middle_touches else 0 end
                        + cast(every_touch as double) / eligible_touches
                end as decimal(18, 12)
            ) as share
        from counted
    ),

    totalled as (
        select
            *,
            sum(share) over (partition by conversion_id, model) as total_share,
            count(*) over (partition by conversion_id, model) as touches
        from shared
    ),

    rounded as (
        select
            conversion_id,
            touch_id,
            touch_number,
            model,
            cast(
                case
                    when total_share = 0
                    then cast(1 as double) / touches
                    else cast(share as double) / cast(total_share as double)
                end as decimal(18, 12)
            ) as credit
        from totalled
    ),

    credited as (
        select
            *,
            row_number() over (partition by conversion_id, model order by touch_number desc) as touches_left,
            sum(credit) over (partition by conversion_id, model) as total_credit
        from rounded
        where credit > 0
    ),

    -- What rounding leaves over goes to the last credited touch: credits add up to exactly 1, and revenue to the cent.
    exact as (
        select
            credited.conversion_id,
            credited.touch_id,
            credited.model,
            credited.touches_left,
            cast(
                credited.credit
                + case when credited.touches_left = 1 then 1 - credited.total_credit else 0 end as decimal(18, 12)
            ) as credit,
            conversions.revenue,
            cast(
                cast(conversions.revenue as double) * cast(credited.credit as double) as decimal(18, 2)
            ) as credited_revenue
        from credited
        inner join conversions on credited.conversion_id = conversions.conversion_id
    ),

    paid as (
        select
            conversion_id,
            touch_id,
            model,
            credit,
            cast(
                credited_revenue + case
                    when touches_left = 1
                    then revenue - sum(credited_revenue) over (partition by conversion_id, model)
                    else 0
                end as decimal(18, 2)
            ) as credited_revenue
        from exact
    ),

    final as (
        select
            paid.conversion_id,
            paid.touch_id,
            paid.model,
            conversions.conversion_kind,
            conversions.journey_level,
            conversions.contact_id,
            conversions.opportunity_id,
            conversions.account_id,
            journeys.touch_at,
            journeys.touch_type,
            journeys.channel,
            journeys.campaign,
            journeys.content,
            conversions.conversion_at,
            paid.credit,
            paid.credited_revenue,
            currencies.currency,
            conversions.is_new_customer
        from paid
        inner join conversions on paid.conversion_id = conversions.conversion_id
        -- Each touch stands in the whole journey, whatever the model skips.
        inner join
            journeys
            on paid.conversion_id = journeys.conversion_id
            and paid.touch_id = journeys.touch_id
            and not journeys.skips_direct
        cross join currencies
    )

select *
from final
