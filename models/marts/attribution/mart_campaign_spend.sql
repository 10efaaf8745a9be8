with
    spend as (
        select *
        from {{ ref("int_ad_spend") }}
        where spend_on <= cast({{ as_of() }} as date) and spend_reporting is not null
    ),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    named as (
        select
            cast({{ dbt.date_trunc("month", "spend_on") }} as date) as month_on,
            coalesce(channel, 'unassigned') as channel,
            coalesce(campaign, '(none)') as campaign,
            spend_reporting
        from spend
    ),

    summed as (
        select month_on, channel, campaign, cast(sum(spend_reporting) as decimal(18, 2)) as spend
        from named
        group by month_on, channel, campaign
    ),

    final as (
        select summed.month_on, summed.channel, summed.campaign, summed.spend, currencies.currency
        from summed
        cross join currencies
    )

select *
from final
