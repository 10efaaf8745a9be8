-- Credits of a conversion and model are exactly 1, their revenue the conversion's amount to the cent; and a
-- conversion with a
-- journey has credits under every model.
with
    credits as (
        select
            conversion_id, model, sum(credit) as credit, sum(credited_revenue) as credited_revenue, min(credit) as least
        from {{ ref("fct_attribution_credits") }}
        group by conversion_id, model
    ),

    expected as (
        select journeys.conversion_id, models.model, conversions.revenue
        from (select distinct conversion_id from {{ ref("int_journey_touches") }}) as journeys
        inner join {{ ref("int_conversions") }} as conversions on journeys.conversion_id = conversions.conversion_id
        cross join {{ ref("attribution_models") }} as models
    )

select expected.conversion_id, expected.model, credits.credit, credits.credited_revenue, expected.revenue
from expected
left join credits on expected.conversion_id = credits.conversion_id and expected.model = credits.model
where
    credits.conversion_id is null
    or credits.credit != 1
    or credits.credited_revenue != expected.revenue
    or credits.least <= 0
