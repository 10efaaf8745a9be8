-- MQLs of each month against what was agreed (R64); the current month stands with its target in proportion to its days.
with
    handoffs as (select * from {{ ref("fct_handoffs") }}),

    targets as (select * from {{ ref("mql_targets") }}),

    months as (select distinct cast({{ dbt.date_trunc("month", "mql_at") }} as date) as month_on from handoffs),

    actual as (
        select cast({{ dbt.date_trunc("month", "mql_at") }} as date) as month_on, '*' as segment, count(*) as mqls
        from handoffs
        group by 1
        union all
        select cast({{ dbt.date_trunc("month", "mql_at") }} as date) as month_on, segment, count(*) as mqls
        from handoffs
        where segment is not null
        group by 1, 2
    ),

    ranked as (
        select
            months.month_on,
            targets.segment,
            targets.mqls_per_month,
            row_number() over (
                partition by months.month_on, targets.segment order by targets.valid_from desc
            ) as recency
        from months
        inner join targets on targets.valid_from <= months.month_on
    ),

    lengths as (
        select
            month_on,
            {{ dbt.datediff("month_on", dbt.dateadd("month", 1, "month_on"), "day") }} as days_of_month,
            {{ dbt.datediff("month_on", "cast(" ~ as_of() ~ " as date)", "day") }} as days_gone
        from months
    ),

    final as (
        select
            ranked.month_on,
            ranked.segment,
            cast(coalesce(actual.mqls, 0) as bigint) as mqls,
            cast(ranked.mqls_per_month as bigint) as target,
            cast(
                ranked.mqls_per_month
                * least(lengths.days_gone, lengths.days_of_month)
                / cast(lengths.days_of_month as double) as decimal(12, 2)
            ) as target_to_date,
            cast(
                coalesce(actual.mqls, 0) / nullif(cast(ranked.mqls_per_month as double), 0) as decimal(12, 4)
            ) as attainment,
            lengths.days_gone >= lengths.days_of_month as is_complete
        from ranked
        inner join lengths on ranked.month_on = lengths.month_on
        left join actual on ranked.month_on = actual.month_on and ranked.segment = actual.segment
        where ranked.recency = 1
    )

select *
from final
