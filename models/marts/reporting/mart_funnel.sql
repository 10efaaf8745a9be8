{#
    Stages that are passed on the way (start, stage, end) are counted cumulatively: a contact that skipped a stage has
    reached it too, so that no step converts more than all. Exits (kind `out`) and what lies beside the way (`aside`) stand apart.
#}
with
    stages as (select * from {{ ref("lifecycle_stages") }}),
    transitions as (select * from {{ ref("fct_stage_transitions") }}),
    contact_stages as (select * from {{ ref("dim_contact_stages") }}),

    furthest as (
        select transitions.contact_id, max(stages.stage_order) as stage_order
        from transitions
        inner join stages on transitions.to_stage = stages.stage
        where stages.kind in ('start', 'stage', 'end')
        group by transitions.contact_id
    ),

    furthest_counts as (select stage_order, count(*) as contacts from furthest group by stage_order),

    on_the_way as (
        select stages.stage, sum(furthest_counts.contacts) as contacts_reached
        from stages
        inner join furthest_counts on furthest_counts.stage_order >= stages.stage_order
        where stages.kind in ('start', 'stage', 'end')
        group by stages.stage
    ),

    beside_it as (
        select transitions.to_stage as stage, count(distinct transitions.contact_id) as contacts_reached
        from transitions
        inner join stages on transitions.to_stage = stages.stage
        where stages.kind not in ('start', 'stage', 'end')
        group by transitions.to_stage
    ),

    reached as (
        select *
        from on_the_way
        union all
        select *
        from beside_it
    ),

    present as (select stage, count(*) as contacts_now from contact_stages group by stage),

    counted as (
        select
            stages.stage,
            stages.stage_order,
            stages.kind,
            stages.label_en,
            stages.label_pt,
            stages.definition,
            cast(coalesce(reached.contacts_reached, 0) as bigint) as contacts_reached,
            cast(coalesce(present.contacts_now, 0) as bigint) as contacts_now,
            lag(coalesce(reached.contacts_reached, 0)) over (
                partition by stages.kind in ('start', 'stage', 'end') order by stages.stage_order
            ) as contacts_before
        from stages
        left join reached on stages.stage = reached.stage
        left join present on stages.stage = present.stage
    ),

    final as (
        select
            stage,
            stage_order,
            kind,
            label_en,
            label_pt,
            definition,
            contacts_reached,
            contacts_now,
            case
                when kind in ('start', 'stage', 'end')
                then cast(contacts_reached / nullif(cast(contacts_before as double), 0) as decimal(9, 6))
            end as conversion_from_previous
        from counted
    )

select *
from final
