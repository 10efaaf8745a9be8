-- An account of what was really sent, by the real clock: not cut at as-of, so that a build for a past day shows it too.
with
    writes as (select * from {{ ref("stg_ops__sync_writes") }}),

    final as (
        select
            sync,
            cast(count(distinct run_id) as bigint) as runs,
            cast(sum(case when outcome = 'written' then 1 else 0 end) as bigint) as writes,
            cast(sum(case when outcome = 'rejected' then 1 else 0 end) as bigint) as rejected,
            max(case when outcome = 'written' then acknowledged_at end) as last_write_at
        from writes
        group by sync
    )

select *
from final
