-- The cohorts of a step hold everybody that mart_funnel counts: who reached the stage, and who reached the next one;
-- who
-- is pending did not convert, and in a mature month nobody is (R87).
with
    cohorts as (select * from {{ ref("mart_funnel_cohorts") }}),
    funnel as (select * from {{ ref("mart_funnel") }}),
    steps as (
        select from_stage, to_stage, sum(entered) as entered, sum(converted) as converted
        from cohorts
        group by from_stage, to_stage
    ),
    compared as (
        select
            steps.from_stage,
            steps.to_stage,
            steps.entered - origin.contacts_reached as entered_off,
            steps.converted - arrival.contacts_reached as converted_off
        from steps
        inner join funnel as origin on steps.from_stage = origin.stage
        inner join funnel as arrival on steps.to_stage = arrival.stage
    )

select from_stage, to_stage, 'cohorts do not add up to the funnel' as problem
from compared
where entered_off != 0 or converted_off != 0
union all
select from_stage, to_stage, 'more went on than entered' as problem
from cohorts
where converted + pending > entered
union all
select from_stage, to_stage, 'pending in a mature month' as problem
from cohorts
where pending > 0 and not is_immature
