{#
    Medians and 90th percentiles of the hand-overs that were answered, over all of them at once: one of several segments is
    never the mean of theirs. Shares are of those whose time is over or who were answered.
-#}
{%- set measures = [
    "clock_seconds",
    "business_seconds",
    "system_clock_seconds",
    "system_business_seconds",
    "human_clock_seconds",
    "human_business_seconds",
] -%}

with
    speed as (select * from {{ ref("fct_speed_to_lead") }}),

    dated as (select *, cast({{ dbt.date_trunc("month", "mql_at") }} as date) as cohort_on from speed),

    scoped as (
        select 'all' as period, cast(null as date) as month_on, 'all' as scope, dated.*
        from dated
        union all
        select 'all' as period, cast(null as date) as month_on, coalesce(segment, 'none') as scope, dated.*
        from dated
        union all
        select 'month' as period, cohort_on as month_on, 'all' as scope, dated.*
        from dated
        union all
        select 'month' as period, cohort_on as month_on, coalesce(segment, 'none') as scope, dated.*
        from dated
    ),

    counted as (
        select
            period,
            month_on,
            scope as segment,
            count(*) as handoffs,
            count(first_attempt_at) as answered,
            {% for measure in measures %}
                percentile_cont(0.5) within group (order by {{ measure }}) as median_{{ measure }},
                percentile_cont(0.9) within group (order by {{ measure }}) as p90_{{ measure }},
            {% endfor %}
            count(is_within_target) as target_judged,
            count(case when is_within_target then 1 end) as within_target,
            count(is_within_contract) as contract_judged,
            count(case when is_within_contract then 1 end) as within_contract
        from scoped
        group by period, month_on, scope
    ),

    final as (
        select
            {{ hash_key(["period", "month_on", "segment"]) }} as speed_id,
            period,
            month_on,
            segment,
            handoffs,
            answered,
            {% for measure in measures %} median_{{ measure }}, p90_{{ measure }}, {% endfor %}
            target_judged,
            cast(100 * within_target / nullif(cast(target_judged as double), 0) as decimal(6, 3)) as within_target_pct,
            cast(
                100 * {{ wilson_interval("within_target", "target_judged", "lo") }} as decimal(6, 3)
            ) as within_target_lo_pct,
            cast(
                100 * {{ wilson_interval("within_target", "target_judged", "hi") }} as decimal(6, 3)
            ) as within_target_hi_pct,
            contract_judged,
            cast(
                100 * within_contract / nullif(cast(contract_judged as double), 0) as decimal(6, 3)
            ) as within_contract_pct,
            cast(
                100 * {{ wilson_interval("within_contract", "contract_judged", "lo") }} as decimal(6, 3)
            ) as within_contract_lo_pct,
            cast(
                100 * {{ wilson_interval("within_contract", "contract_judged", "hi") }} as decimal(6, 3)
            ) as within_contract_hi_pct
        from counted
    )

select *
from final
