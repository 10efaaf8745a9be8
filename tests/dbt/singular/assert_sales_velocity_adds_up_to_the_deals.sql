-- Months, quarters and years each hold every deal decided by now once, with its revenue (R87).
with
    velocity as (select * from {{ ref("mart_sales_velocity") }}),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    deals as (
        select
            count(case when stage_kind in ('won', 'lost') then 1 end) as decided,
            count(case when stage_kind = 'won' then 1 end) as won,
            coalesce(sum(case when stage_kind = 'won' then amount_reporting end), 0) as revenue
        from opportunities
        where created_at < {{ as_of() }} and closed_at < {{ as_of() }} and closed_at >= created_at
    ),
    summed as (
        select period, sum(decided) as decided, sum(won) as won, sum(revenue) as revenue from velocity group by period
    )

select summed.period, summed.decided, deals.decided as decided_deals, summed.revenue, deals.revenue as revenue_deals
from summed
cross join deals
where summed.decided != deals.decided or summed.won != deals.won or summed.revenue != deals.revenue
