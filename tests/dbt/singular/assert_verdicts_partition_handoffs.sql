-- Every hand-over has one verdict, whose reason belongs to it, and the cohorts add up to all of them (R61, R65).
with
    handoffs as (select * from {{ ref("fct_handoffs") }}),
    verdicts as (select * from {{ ref("fct_handoff_verdicts") }}),
    cohorts as (select * from {{ ref("mart_sal_mql") }}),
    counted as (select handoff_id, count(*) as verdicts, count(verdict) as named from verdicts group by handoff_id),
    totals as (
        select
            cohort_kind,
            sum(handoffs) as handoffs,
            sum(accepted + worked_and_rejected + late + too_few_tries + pending) as judged_or_pending
        from cohorts
        where segment = 'all'
        group by cohort_kind
    )

select handoffs.handoff_id as found, 'verdicts of one hand-over' as problem
from handoffs
left join counted on handoffs.handoff_id = counted.handoff_id
where coalesce(counted.verdicts, 0) != 1 or coalesce(counted.named, 0) != 1
union all
select cohort_kind as found, 'cohorts do not add up' as problem
from totals
where handoffs != judged_or_pending or handoffs != (select count(*) from handoffs)
