-- How long those have stood in a stage who stand there now, against the time that nine of ten took who went on from it.
with
    stages as (select * from {{ ref("lifecycle_stages") }}),

    contact_stages as (select * from {{ ref("dim_contact_stages") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }} where from_stage is not null),

    onward as (
        select
            transitions.from_stage as stage,
            count(*) as moves,
            percentile_cont(0.9) within group (order by transitions.days_in_from_stage) as days
        from transitions
        inner join stages as origin on transitions.from_stage = origin.stage
        inner join stages as arrival on transitions.to_stage = arrival.stage
        where arrival.kind in ('start', 'stage', 'end') and arrival.stage_order > origin.stage_order
        group by transitions.from_stage
    ),

    usual as (
        select stage, case when moves >= {{ setting("cohort_min_moves", "reporting_settings") }} then days end as days
        from onward
    ),

    standing as (select stage, {{ days_between("stage_since", as_of()) }} as days from contact_stages),

    aged as (
        select
            standing.stage,
            count(*) as contacts_now,
            percentile_cont(0.5) within group (order by standing.days) as median_days,
            percentile_cont(0.9) within group (order by standing.days) as p90_days,
            count(case when standing.days > usual.days then 1 end) as contacts_overdue
        from standing
        left join usual on standing.stage = usual.stage
        group by standing.stage
    ),

    final as (
        select
            stages.stage,
            stages.stage_order,
            stages.kind,
            stages.label_en,
            stages.label_pt,
            cast(coalesce(aged.contacts_now, 0) as bigint) as contacts_now,
            cast(aged.median_days as decimal(18, 4)) as median_days,
            cast(aged.p90_days as decimal(18, 4)) as p90_days,
            cast(usual.days as decimal(18, 4)) as usual_days,
            cast(
                case when usual.days is not null then coalesce(aged.contacts_overdue, 0) end as bigint
            ) as contacts_overdue,
            cast(
                case
                    when usual.days is not null then 100 * aged.contacts_overdue / cast(aged.contacts_now as double)
                end as decimal(6, 3)
            ) as overdue_pct
        from stages
        left join aged on stages.stage = aged.stage
        left join usual on stages.stage = usual.stage
    )

select *
from final
