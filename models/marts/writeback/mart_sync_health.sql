-- An account of what was really sent, by the real clock: not cut at as-of, so that a build for a past day shows it too.
with
    planned as (select * from {{ ref("int_planned_syncs") }}),

    runs as (select * from {{ ref("fct_sync_runs") }}),

    writes as (select * from {{ ref("int_sent_writes") }}),

    dead_letters as (select * from {{ ref("stg_ops__sync_dead_letters") }} where state = 'open'),

    applied as (select distinct plan_id, sync from runs where status = 'done'),

    judged as (
        select
            planned.*,
            planned.changes > 0 and planned.status != 'applied' and applied.plan_id is null as is_waiting,
            row_number() over (
                partition by planned.sync order by planned.planned_at desc, planned.plan_id desc
            ) as plan_rank
        from planned
        left join applied on planned.plan_id = applied.plan_id and planned.sync = applied.sync
    ),

    newest as (select * from judged where plan_rank = 1),

    -- The last plan after which nothing waited: what waits now has waited since the plan after it.
    settled as (select sync, max(planned_at) as settled_at from judged where not is_waiting group by sync),

    waiting as (
        select judged.sync, min(judged.planned_at) as waiting_since
        from judged
        left join settled on judged.sync = settled.sync
        where judged.is_waiting and (settled.settled_at is null or judged.planned_at > settled.settled_at)
        group by judged.sync
    ),

    plan_counts as (
        select
            sync,
            cast(count(*) as bigint) as plans,
            cast(count(case when is_guarded then 1 end) as bigint) as guarded_plans
        from planned
        group by sync
    ),

    run_counts as (
        select
            sync,
            cast(count(*) as bigint) as runs,
            cast(count(case when status = 'failed' then 1 end) as bigint) as failed_runs,
            cast(sum(requests) as bigint) as requests,
            max(started_at) as last_run_at
        from runs
        group by sync
    ),

    write_counts as (
        select
            sync, max(case when outcome = 'written' then acknowledged_at end) as last_write_at, {{ outcome_counts() }}
        from writes
        group by sync
    ),

    refusal_counts as (
        select sync, cast(count(*) as bigint) as open_dead_letters, min(first_refused_at) as oldest_refusal_at
        from dead_letters
        group by sync
    ),

    syncs as (
        select sync
        from planned
        union
        select sync
        from writes
        union
        select sync
        from runs
    ),

    final as (
        select
            syncs.sync,
            newest.kind,
            newest.destination,
            newest.object,
            coalesce(plan_counts.plans, 0) as plans,
            coalesce(plan_counts.guarded_plans, 0) as guarded_plans,
            newest.planned_at as last_plan_at,
            case when newest.is_waiting then newest.changes else 0 end as changes_waiting,
            case when newest.is_waiting then waiting.waiting_since end as waiting_since,
            coalesce(newest.is_waiting and newest.is_guarded, false) as is_held_by_guard,
            coalesce(run_counts.runs, 0) as runs,
            coalesce(run_counts.failed_runs, 0) as failed_runs,
            run_counts.last_run_at,
            coalesce(run_counts.requests, 0) as requests,
            coalesce(write_counts.written, 0) as writes,
            coalesce(write_counts.rejected, 0) as rejected,
            cast(
                write_counts.rejected
                / nullif(cast(write_counts.written + write_counts.rejected as double), 0) as decimal(7, 6)
            ) as reject_share,
            {% for kind in refusal_kinds() %}
                coalesce(write_counts.rejected_{{ kind }}, 0) as rejected_{{ kind }},
            {% endfor %}
            coalesce(write_counts.suppressed, 0) as suppressed,
            coalesce(refusal_counts.open_dead_letters, 0) as open_dead_letters,
            refusal_counts.oldest_refusal_at,
            write_counts.last_write_at,
            write_counts.delay_p50_seconds,
            write_counts.delay_p95_seconds
        from syncs
        left join newest on syncs.sync = newest.sync
        left join waiting on syncs.sync = waiting.sync
        left join plan_counts on syncs.sync = plan_counts.sync
        left join run_counts on syncs.sync = run_counts.sync
        left join write_counts on syncs.sync = write_counts.sync
        left join refusal_counts on syncs.sync = refusal_counts.sync
    )

select *
from final
