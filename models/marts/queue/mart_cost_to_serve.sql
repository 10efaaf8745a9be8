-- What people spent on leads, by the stage the lead stood in at the time (R79), in the reporting currency.
with
    activities as (select * from {{ ref("int_activity_stages") }}),

    costs as (select * from {{ ref("handling_costs") }}),

    rates as (
        select *
        from {{ ref("int_currency_rates") }}
        where valid_from <= cast({{ as_of() }} as date) and valid_to > cast({{ as_of() }} as date)
    ),

    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    priced as (
        select
            coalesce(activities.stage, 'none') as stage,
            activities.activity_type,
            activities.contact_id,
            cast(activities.minutes as decimal(18, 4)) as minutes,
            cast(
                (
                    costs.cost_per_activity + costs.cost_per_minute * cast(activities.minutes as decimal(12, 4))
                ) as decimal(18, 6)
            )
            * cast(rates.rate as decimal(18, 6)) as cost
        from activities
        inner join costs on activities.activity_type = costs.activity_type
        left join rates on costs.currency = rates.currency
    ),

    final as (
        select
            priced.stage,
            priced.activity_type,
            cast(count(*) as bigint) as activities,
            cast(count(distinct priced.contact_id) as bigint) as leads,
            cast(sum(priced.minutes) as decimal(18, 2)) as minutes,
            cast(sum(priced.cost) as decimal(18, 2)) as cost,
            cast(
                sum(priced.cost) / cast(count(distinct priced.contact_id) as double) as decimal(18, 2)
            ) as cost_per_lead,
            max(currencies.currency) as currency
        from priced
        cross join currencies
        group by priced.stage, priced.activity_type
    )

select *
from final
