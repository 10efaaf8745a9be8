-- What was really sent, by the real clock: not cut at as-of, so that a build for a past day shows it too.
with
    runs as (select * from {{ ref("stg_ops__sync_runs") }}),

    plans as (select * from {{ ref("stg_ops__sync_plans") }}),

    writes as (select * from {{ ref("int_sent_writes") }}),

    counted as (select run_id, {{ outcome_counts() }} from writes group by run_id),

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
            {% for kind in refusal_kinds() %}
                coalesce(counted.rejected_{{ kind }}, 0) as rejected_{{ kind }},
            {% endfor %}
            counted.delay_p50_seconds,
            counted.delay_p95_seconds
        from runs
        left join plans on runs.plan_id = plans.plan_id
        left join counted on runs.run_id = counted.run_id
    )

select *
from final
