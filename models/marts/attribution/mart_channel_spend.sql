-- Spend of a platform that no rule gives a channel stands under `unassigned`.
with
    spend as (select * from {{ ref("int_ad_spend") }} where spend_on <= cast({{ as_of() }} as date)),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    summed as (
        select
            cast({{ dbt.date_trunc("month", "spend_on") }} as date) as month_on,
            coalesce(channel, 'unassigned') as channel,
            cast(sum(spend_reporting) as decimal(18, 2)) as spend
        from spend
        where spend_reporting is not null
        group by cast({{ dbt.date_trunc("month", "spend_on") }} as date), coalesce(channel, 'unassigned')
    ),

    final as (
        select summed.month_on, summed.channel, summed.spend, currencies.currency from summed cross join currencies
    )

select *
from final
