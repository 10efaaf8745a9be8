with
    credits as (select * from {{ ref("int_conversion_credits") }}),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    summed as (
        select
            model,
            conversion_kind,
            month_on,
            channel,
            cast(sum(credit) as decimal(18, 6)) as conversions,
            cast(sum(credited_revenue) as decimal(18, 2)) as revenue
        from credits
        group by model, conversion_kind, month_on, channel
    ),

    final as (
        select
            summed.model,
            summed.conversion_kind,
            summed.month_on,
            summed.channel,
            summed.conversions,
            summed.revenue,
            currencies.currency
        from summed
        cross join currencies
    )

select *
from final
