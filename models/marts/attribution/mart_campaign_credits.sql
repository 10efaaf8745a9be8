-- Touches without a campaign stand under `(none)`, conversions without a touch under channel `unattributed`.
with
    credits as (select * from {{ ref("int_conversion_credits") }}),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    named as (
        select
            model,
            conversion_kind,
            month_on,
            channel,
            coalesce(campaign, '(none)') as campaign,
            credit,
            credited_revenue
        from credits
    ),

    summed as (
        select
            model,
            conversion_kind,
            month_on,
            channel,
            campaign,
            cast(sum(credit) as decimal(18, 6)) as conversions,
            cast(sum(credited_revenue) as decimal(18, 2)) as revenue
        from named
        group by model, conversion_kind, month_on, channel, campaign
    ),

    final as (
        select
            summed.model,
            summed.conversion_kind,
            summed.month_on,
            summed.channel,
            summed.campaign,
            summed.conversions,
            summed.revenue,
            currencies.currency
        from summed
        cross join currencies
    )

select *
from final
