{#
    Money that the pipeline brings a day: deals open on average x share won x usual amount / usual time to a decision. The mean
    number of open deals is what makes it right for a month as for a year (as many leave a day as are there / how long they
    stay); what was really won a day stands beside it.
-#}
with
    -- Closed before it was created: one of the two dates is wrong, and no cycle can be told.
    opportunities as (
        select *
        from {{ ref("fct_opportunities") }}
        where created_at is not null and (closed_at is null or closed_at >= created_at)
    ),

    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    numbers as ({{ dbt.generate_series(720) }}),

    first_month as (
        select {{ dbt.date_trunc("month", "min(created_at)") }} as month_at
        from opportunities
        where created_at <= {{ as_of() }}
    ),

    months as (
        select
            {{ dbt.dateadd("month", "cast(numbers.generated_number as integer) - 1", "first_month.month_at") }}
            as month_at
        from first_month
        cross join numbers
    ),

    periods as (
        {% for kind in ["month", "quarter", "year"] %}
            select distinct
                '{{ kind }}' as period,
                {{ dbt.date_trunc(kind, "month_at") }} as from_at,
                {{ dbt.dateadd(kind, 1, dbt.date_trunc(kind, "month_at")) }} as next_at
            from months
            where month_at < {{ as_of() }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- The period that runs ends now.
    spans as (
        select period, from_at, least(next_at, {{ as_of() }}) as until_at, next_at <= {{ as_of() }} as is_complete
        from periods
    ),

    in_period as (
        select
            spans.period,
            spans.from_at,
            {{
                days_between(
                    "greatest(opportunities.created_at, spans.from_at)",
                    "least(coalesce(opportunities.closed_at, spans.until_at), spans.until_at)",
                )
            }} as open_days,
            case when opportunities.closed_at < spans.until_at then opportunities.stage_kind end as decision,
            opportunities.amount_reporting as amount,
            {{ days_between("opportunities.created_at", "opportunities.closed_at") }} as cycle_days
        from spans
        inner join
            opportunities
            on opportunities.created_at < spans.until_at
            and coalesce(opportunities.closed_at, spans.until_at) >= spans.from_at
    ),

    counted as (
        select
            period,
            from_at,
            count(*) as opportunities,
            sum(cast(open_days as decimal(18, 6))) as open_days,
            count(case when decision in ('won', 'lost') then 1 end) as decided,
            count(case when decision = 'won' then 1 end) as won,
            percentile_cont(0.5) within group (order by case when decision = 'won' then amount end) as median_amount,
            percentile_cont(0.5) within group (
                order by case when decision in ('won', 'lost') then cycle_days end
            ) as median_cycle_days,
            sum(case when decision = 'won' then amount end) as revenue
        from in_period
        group by period, from_at
    ),

    measured as (
        select
            spans.period,
            cast(spans.from_at as date) as month_on,
            coalesce(counted.opportunities, 0) as opportunities,
            coalesce(cast(counted.open_days as double), 0)
            / nullif({{ days_between("spans.from_at", "spans.until_at") }}, 0) as mean_open,
            {{ days_between("spans.from_at", "spans.until_at") }} as period_days,
            coalesce(counted.decided, 0) as decided,
            coalesce(counted.won, 0) as won,
            counted.median_amount,
            counted.median_cycle_days,
            coalesce(counted.revenue, 0) as revenue,
            spans.is_complete
        from spans
        left join counted on spans.period = counted.period and spans.from_at = counted.from_at
    ),

    final as (
        select
            measured.period,
            measured.month_on,
            cast(measured.opportunities as bigint) as opportunities,
            cast(measured.mean_open as decimal(18, 4)) as mean_open,
            cast(measured.decided as bigint) as decided,
            cast(measured.won as bigint) as won,
            cast(100 * measured.won / nullif(cast(measured.decided as double), 0) as decimal(6, 3)) as win_rate_pct,
            cast(
                100 * {{ wilson_interval("measured.won", "measured.decided", "lo") }} as decimal(6, 3)
            ) as win_rate_lo_pct,
            cast(
                100 * {{ wilson_interval("measured.won", "measured.decided", "hi") }} as decimal(6, 3)
            ) as win_rate_hi_pct,
            cast(measured.median_amount as decimal(18, 2)) as median_amount,
            cast(measured.median_cycle_days as decimal(18, 4)) as median_cycle_days,
            cast(
                case
                    when measured.median_cycle_days > 0 and measured.decided > 0
                    then
                        measured.mean_open
                        * measured.won
                        / measured.decided
                        * coalesce(cast(measured.median_amount as double), 0)
                        / measured.median_cycle_days
                end as decimal(18, 2)
            ) as velocity_per_day,
            cast(measured.revenue as decimal(18, 2)) as revenue,
            cast(
                cast(measured.revenue as double) / nullif(measured.period_days, 0) as decimal(18, 2)
            ) as revenue_per_day,
            currencies.currency,
            measured.decided >= {{ setting("win_min_decided", "outcome_settings") }} as is_enough,
            measured.is_complete
        from measured
        cross join currencies
    )

select *
from final
