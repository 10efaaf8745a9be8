-- Every move that was made, whatever its direction. Only those who moved say how long it took; who still stands there
-- is in mart_stage_ageing.
with
    stages as (select * from {{ ref("lifecycle_stages") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }} where from_stage is not null),

    moved as (
        select
            from_stage,
            to_stage,
            count(*) as moves,
            count(distinct contact_id) as contacts,
            percentile_cont(0.5) within group (order by days_in_from_stage) as median_days,
            percentile_cont(0.9) within group (order by days_in_from_stage) as p90_days
        from transitions
        group by from_stage, to_stage
    ),

    final as (
        select
            moved.from_stage,
            moved.to_stage,
            origin.stage_order as from_order,
            arrival.stage_order as to_order,
            case
                when arrival.kind not in ('start', 'stage', 'end')
                then arrival.kind
                when arrival.stage_order > origin.stage_order
                then 'onward'
                else 'back'
            end as move_kind,
            cast(moved.moves as bigint) as moves,
            cast(moved.contacts as bigint) as contacts,
            cast(moved.median_days as decimal(18, 4)) as median_days,
            cast(moved.p90_days as decimal(18, 4)) as p90_days,
            moved.moves >= {{ setting("cohort_min_moves", "reporting_settings") }} as is_enough
        from moved
        inner join stages as origin on moved.from_stage = origin.stage
        inner join stages as arrival on moved.to_stage = arrival.stage
    )

select *
from final
