{#
    Every move that some evidence allows: the evidence of each contact on the legal moves that lead to its stage. Whether
    and when a move is made is for the walk to find (int_stage_steps).
#}
with
    evidence as (select * from {{ ref("int_stage_evidence") }}),
    transitions as (select * from {{ ref("lifecycle_transitions") }}),
    stages as (select * from {{ ref("lifecycle_stages") }}),

    legal_moves as (
        select
            transitions.from_stage,
            transitions.to_stage,
            transitions.direction,
            transitions.trigger,
            transitions.reason,
            stages.stage_order,
            -- Who leaves the way, or falls back on it, begins anew: only what is newer counts then. Who comes back from
            -- outside has begun anew already. So each circle of moves takes later evidence, and every walk ends.
            stages.kind in ('out', 'aside')
            or (
                transitions.direction = 'back' and coalesce(stages_before.kind not in ('out', 'aside'), true)
            ) as begins_anew
        from transitions
        inner join stages on transitions.to_stage = stages.stage
        left join stages as stages_before on transitions.from_stage = stages_before.stage
    ),

    final as (
        select
            evidence.contact_id,
            legal_moves.from_stage,
            legal_moves.to_stage,
            legal_moves.direction,
            legal_moves.stage_order,
            evidence.trigger,
            legal_moves.reason,
            evidence.evidence,
            evidence.evidence_at,
            legal_moves.direction = 'forward' and not evidence.must_follow as may_come_before,
            legal_moves.begins_anew
        from evidence
        inner join
            legal_moves
            on evidence.stage = legal_moves.to_stage
            and (legal_moves.trigger is null or legal_moves.trigger = evidence.trigger)
    )

select *
from final
