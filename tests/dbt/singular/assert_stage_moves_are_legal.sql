-- Every move stands in lifecycle_transitions, starts where the one before ended, and does not go back in time.
with
    moves as (
        select
            *,
            lag(to_stage) over (partition by contact_id order by transition_number) as stage_before,
            lag(transition_at) over (partition by contact_id order by transition_number) as moved_before_at
        from {{ ref("fct_stage_transitions") }}
    )

select moves.transition_id, moves.contact_id, moves.from_stage, moves.to_stage
from moves
left join
    {{ ref("lifecycle_transitions") }} as legal
    on coalesce(moves.from_stage, '') = coalesce(legal.from_stage, '')
    and moves.to_stage = legal.to_stage
    and (legal.trigger is null or legal.trigger = moves.trigger)
where
    legal.to_stage is null
    or coalesce(moves.stage_before, '') != coalesce(moves.from_stage, '')
    or moves.moved_before_at > moves.transition_at
