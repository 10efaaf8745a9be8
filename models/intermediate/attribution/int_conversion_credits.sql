{{ config(materialized="view") }}
{#
    Grain: conversion, model, touch; a conversion without a touch has one row a model of channel `unattributed`. So every
    conversion has credit 1 under every model, and whatever is summed over it adds up to what the CRM holds.
#}
with
    credits as (select * from {{ ref("fct_attribution_credits") }}),
    conversions as (select * from {{ ref("int_conversions") }}),
    journeys as (select * from {{ ref("int_journey_touches") }} where is_first_touch and not skips_direct),
    models as (select model from {{ ref("attribution_models") }}),

    final as (
        select
            conversion_id,
            touch_id,
            model,
            conversion_kind,
            channel,
            campaign,
            conversion_at,
            cast({{ dbt.date_trunc("month", "conversion_at") }} as date) as month_on,
            credit,
            credited_revenue,
            is_new_customer
        from credits

        union all

        select
            conversions.conversion_id,
            cast(null as {{ dbt.type_string() }}) as touch_id,
            models.model,
            conversions.conversion_kind,
            'unattributed' as channel,
            cast(null as {{ dbt.type_string() }}) as campaign,
            conversions.conversion_at,
            cast({{ dbt.date_trunc("month", "conversions.conversion_at") }} as date) as month_on,
            cast(1 as decimal(18, 12)) as credit,
            conversions.revenue as credited_revenue,
            conversions.is_new_customer
        from conversions
        cross join models
        left join journeys on conversions.conversion_id = journeys.conversion_id
        where journeys.conversion_id is null
    )

select *
from final
