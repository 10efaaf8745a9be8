{#
    Promises kept, by month of the hand-over: met / (met + breached). What is not due yet stands apart and is in no share.
-#}
with
    statuses as (select * from {{ ref("fct_sla_status") }}),

    checks as (select * from {{ ref("sla_checks") }}),

    dated as (
        select
            check_name,
            coalesce(segment, 'none') as segment,
            status,
            cast({{ dbt.date_trunc("month", "mql_at") }} as date) as month_on
        from statuses
    ),

    scoped as (
        select 'all' as period, cast(null as date) as month_on, 'all' as segment, check_name, status
        from dated
        union all
        select 'all' as period, cast(null as date) as month_on, segment, check_name, status
        from dated
        union all
        select 'month' as period, month_on, 'all' as segment, check_name, status
        from dated
        union all
        select 'month' as period, month_on, segment, check_name, status
        from dated
    ),

    counted as (
        select
            period,
            month_on,
            segment,
            check_name,
            count(*) as handoffs,
            {% for status in ["met", "breached", "pending"] %}
                count(case when status = '{{ status }}' then 1 end) as {{ status }} {%- if not loop.last %},{% endif %}
            {% endfor %}
        from scoped
        group by period, month_on, segment, check_name
    ),

    final as (
        select
            {{ hash_key(["counted.period", "counted.month_on", "counted.segment", "counted.check_name"]) }}
            as attainment_id,
            counted.period,
            counted.month_on,
            counted.segment,
            counted.check_name,
            checks.label_en,
            checks.label_pt,
            counted.handoffs,
            counted.met,
            counted.breached,
            counted.pending,
            counted.met + counted.breached as judged,
            cast(
                100 * counted.met / nullif(cast(counted.met + counted.breached as double), 0) as decimal(6, 3)
            ) as met_pct,
            cast(
                100 * {{ wilson_interval("counted.met", "(counted.met + counted.breached)", "lo") }} as decimal(6, 3)
            ) as met_lo_pct,
            cast(
                100 * {{ wilson_interval("counted.met", "(counted.met + counted.breached)", "hi") }} as decimal(6, 3)
            ) as met_hi_pct
        from counted
        inner join checks on counted.check_name = checks.check_name
    )

select *
from final
