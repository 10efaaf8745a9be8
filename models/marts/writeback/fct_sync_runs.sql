-- What was really sent, by the real clock: not cut at as-of, so that a build for a past day shows it too.
{%- set kinds = ["validation", "missing", "conflict", "permission", "rate", "unknown"] %}

with
    runs as (select * from {{ ref("stg_ops__sync_runs") }}),

    plans as (select * from {{ ref("stg_ops__sync_plans") }}),

    -- What was found to exist already (match) was not sent.
    writes as (select * from {{ ref("stg_ops__sync_writes") }} where action != 'match'),

    delayed as (
        select
            writes.run_id,
            writes.outcome,
            writes.error_kind,
            case
                when writes.outcome = 'written'
                then {{ seconds_between("plans.published_at", "writes.acknowledged_at") }}
            end as delay_seconds
        from writes
        left join plans on writes.plan_id = plans.plan_id
    ),

    counted as (
        select
            run_id,
            cast(count(case when outcome = 'written' then 1 end) as bigint) as written,
            cast(count(case when outcome = 'rejected' then 1 end) as bigint) as rejected,
            cast(count(case when outcome = 'suppressed' then 1 end) as bigint) as suppressed,
            {% for kind in kinds %}
                cast(
                    count(case when outcome = 'rejected' and error_kind = '{{ kind }}' then 1 end) as bigint
                ) as rejected_{{ kind }},
            {% endfor %}
            percentile_cont(0.5) within group (order by delay_seconds) as delay_p50_seconds,
            percentile_cont(0.95) within group (order by delay_seconds) as delay_p95_seconds
        from delayed
        group by run_id
    ),

    final as (
        select
            runs.run_id,
            runs.sync,
            runs.plan_id,
            plans.build_id,
            plans.ruleset_version,
            plans.published_at,
            plans.planned_at,
            runs.status,
            runs.message,
            runs.started_at,
            runs.finished_at,
            {{ seconds_between("runs.started_at", "runs.finished_at") }} as run_seconds,
            runs.requests,
            coalesce(counted.written, 0) as written,
            coalesce(counted.rejected, 0) as rejected,
            coalesce(counted.suppressed, 0) as suppressed,
            {% for kind in kinds %} coalesce(counted.rejected_{{ kind }}, 0) as rejected_{{ kind }}, {% endfor %}
            counted.delay_p50_seconds,
            counted.delay_p95_seconds
        from runs
        left join plans on runs.plan_id = plans.plan_id
        left join counted on runs.run_id = counted.run_id
    )

select *
from final
