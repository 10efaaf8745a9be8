{#
    Who entered a stage in a month, and how many of them went on. As in mart_funnel a contact that skipped a stage has reached
    it too, so that the cohorts of a step add up to the funnel; how long a step took is told only by those who stood in the
    stage themselves. A month is no older than its last day: it is immature until `maturity_days` after that.
#}
with
    stages as (select * from {{ ref("lifecycle_stages") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    contact_stages as (select * from {{ ref("dim_contact_stages") }}),

    benchmarks as (select * from {{ ref("funnel_benchmarks") }}),

    way as (
        select stage, stage_order, row_number() over (order by stage_order) as place
        from stages
        where kind in ('start', 'stage', 'end')
    ),

    gone as (
        select contact_stages.contact_id
        from contact_stages
        inner join stages on contact_stages.stage = stages.stage
        where stages.kind = 'out'
    ),

    reached as (
        select
            transitions.contact_id,
            way.stage,
            way.place,
            min(transitions.transition_at) as reached_at,
            min(case when transitions.to_stage = way.stage then transitions.transition_at end) as stood_at
        from transitions
        inner join way as entered on transitions.to_stage = entered.stage
        inner join way on way.place <= entered.place
        group by transitions.contact_id, way.stage, way.place
    ),

    steps as (
        select
            origin.contact_id,
            cast({{ dbt.date_trunc("month", "origin.reached_at") }} as date) as cohort_on,
            origin.stage as from_stage,
            way.stage as to_stage,
            origin.reached_at as entered_at,
            arrival.reached_at as converted_at,
            way.place = origin.place + 1 as is_next_step,
            case
                when origin.stood_at <= arrival.reached_at
                then {{ days_between("origin.stood_at", "arrival.reached_at") }}
            end as days
        from reached as origin
        inner join way on way.place > origin.place
        left join reached as arrival on origin.contact_id = arrival.contact_id and way.stage = arrival.stage
    ),

    -- Nine of ten who take the step have taken it by then; with too few who did, the setting says how long to wait.
    maturities as (
        select
            from_stage,
            to_stage,
            cast(
                case
                    when count(days) >= {{ setting("cohort_min_moves", "reporting_settings") }}
                    then ceil(percentile_cont(0.9) within group (order by days))
                    else {{ setting("cohort_maturity_days", "reporting_settings") }}
                end as integer
            ) as maturity_days
        from steps
        group by from_stage, to_stage
    ),

    judged as (
        select
            steps.*,
            maturities.maturity_days,
            case
                when
                    steps.converted_at is null
                    and gone.contact_id is null
                    and {{ days_between("steps.entered_at", as_of()) }} < maturities.maturity_days
                then 1
                else 0
            end as is_pending
        from steps
        inner join maturities on steps.from_stage = maturities.from_stage and steps.to_stage = maturities.to_stage
        left join gone on steps.contact_id = gone.contact_id
    ),

    counted as (
        select
            cohort_on,
            from_stage,
            to_stage,
            is_next_step,
            maturity_days,
            count(*) as entered,
            count(converted_at) as converted,
            sum(is_pending) as pending,
            percentile_cont(0.5) within group (order by days) as median_days,
            percentile_cont(0.9) within group (order by days) as p90_days
        from judged
        group by cohort_on, from_stage, to_stage, is_next_step, maturity_days
    ),

    final as (
        select
            counted.cohort_on,
            counted.from_stage,
            counted.to_stage,
            counted.is_next_step,
            cast(counted.entered as bigint) as entered,
            cast(counted.converted as bigint) as converted,
            cast(counted.pending as bigint) as pending,
            cast(
                100 * counted.converted / nullif(cast(counted.entered as double), 0) as decimal(6, 3)
            ) as conversion_pct,
            cast(100 * {{ wilson_interval("counted.converted", "counted.entered", "lo") }} as decimal(6, 3)) as lo_pct,
            cast(100 * {{ wilson_interval("counted.converted", "counted.entered", "hi") }} as decimal(6, 3)) as hi_pct,
            cast(
                100
                * (counted.converted + counted.pending)
                / nullif(cast(counted.entered as double), 0) as decimal(6, 3)
            ) as possible_pct,
            cast(counted.median_days as decimal(18, 4)) as median_days,
            cast(counted.p90_days as decimal(18, 4)) as p90_days,
            counted.maturity_days,
            {{ dbt.dateadd("day", "counted.maturity_days", dbt.dateadd("month", 1, "counted.cohort_on")) }}
            > {{ as_of() }} as is_immature,
            benchmarks.lo_pct as benchmark_lo_pct,
            benchmarks.hi_pct as benchmark_hi_pct,
            benchmarks.status as benchmark_status
        from counted
        left join benchmarks on counted.from_stage = benchmarks.from_stage and counted.to_stage = benchmarks.to_stage
    )

select *
from final
