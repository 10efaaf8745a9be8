-- Each activity of a person of ours with the stage its contact stood in at that moment; no stage = not known as a
-- lead yet.
with
    activities as (
        select *
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and not is_automated and activity_at <= {{ as_of() }}
    ),

    transitions as (
        select
            contact_id,
            to_stage,
            transition_number,
            transition_at,
            lead(transition_at) over (partition by contact_id order by transition_number) as left_at
        from {{ ref("fct_stage_transitions") }}
    ),

    stood as (
        select
            activities.activity_id,
            transitions.to_stage,
            row_number() over (
                partition by activities.activity_id order by transitions.transition_number desc
            ) as recency
        from activities
        inner join
            transitions
            on activities.contact_id = transitions.contact_id
            and transitions.transition_at <= activities.activity_at
            and (transitions.left_at is null or activities.activity_at <= transitions.left_at)
    ),

    final as (
        select
            activities.activity_id,
            activities.contact_id,
            activities.owner_id,
            activities.activity_type,
            activities.direction,
            activities.is_attempt,
            activities.activity_at,
            cast(coalesce(activities.duration_ms, 0) as decimal(18, 0)) / 60000 as minutes,
            stood.to_stage as stage
        from activities
        left join stood on activities.activity_id = stood.activity_id and stood.recency = 1
    )

select *
from final
