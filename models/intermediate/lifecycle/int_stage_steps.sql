{#
    The walk of each contact through the stages. Each round looks at the stage a contact stands in and takes the earliest
    evidence for a stage it may legally go to; a contact without such evidence stays where it is. Twelve rounds: that
    many moves are kept of one contact (test `assert_stage_walk_ends`).

    Forward moves may use evidence that came before the present stage was reached (a meeting held before marketing qualified
    the lead is an intention all the same), unless the trigger says that it must follow; nothing from before the last exit counts.
#}
{%- set rounds = 12 -%}

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
            stages.stage_order
        from transitions
        inner join stages on transitions.to_stage = stages.stage
    ),

    -- A start has no stage before it.
    starts as (
        select
            evidence.contact_id,
            cast(null as {{ dbt.type_string() }}) as from_stage,
            evidence.stage as to_stage,
            evidence.evidence_at as reached_at,
            legal_moves.direction,
            evidence.trigger,
            legal_moves.reason,
            evidence.evidence,
            evidence.evidence_at,
            row_number() over (
                partition by evidence.contact_id order by evidence.evidence_at, evidence.trigger, evidence.evidence
            ) as choice
        from evidence
        inner join
            legal_moves
            on evidence.stage = legal_moves.to_stage
            and legal_moves.from_stage is null
            and (legal_moves.trigger is null or legal_moves.trigger = evidence.trigger)
    ),

    step_1 as (
        select
            contact_id,
            1 as step,
            from_stage,
            to_stage,
            reached_at,
            direction,
            trigger,
            reason,
            evidence,
            cast(null as timestamp) as counts_from_at
        from starts
        where choice = 1
    ),

    {% for step in range(2, rounds + 1) %}
        choices_{{ step }} as (
            select
                before.contact_id,
                before.to_stage as from_stage,
                evidence.stage as to_stage,
                {{ reached_at("before", "evidence") }} as reached_at,
                legal_moves.direction,
                evidence.trigger,
                legal_moves.reason,
                evidence.evidence,
                before.counts_from_at,
                row_number() over (
                    partition by before.contact_id
                    order by
                        {{ reached_at("before", "evidence") }},
                        legal_moves.stage_order,
                        evidence.evidence_at,
                        evidence.trigger,
                        evidence.evidence
                ) as choice
            from step_{{ step - 1 }} as before
            inner join evidence on before.contact_id = evidence.contact_id
            inner join
                legal_moves
                on before.to_stage = legal_moves.from_stage
                and evidence.stage = legal_moves.to_stage
                and (legal_moves.trigger is null or legal_moves.trigger = evidence.trigger)
            where
                (before.counts_from_at is null or evidence.evidence_at > before.counts_from_at)
                and (
                    evidence.evidence_at >= before.reached_at
                    or (legal_moves.direction = 'forward' and not evidence.must_follow)
                )
        ),

        step_{{ step }} as (
            select
                contact_id,
                {{ step }} as step,
                from_stage,
                to_stage,
                reached_at,
                direction,
                trigger,
                reason,
                evidence,
                -- After an exit only what is newer counts.
                case when direction = 'out' then reached_at else counts_from_at end as counts_from_at
            from choices_{{ step }}
            where choice = 1
        ),
    {% endfor %}

    final as (
        {% for step in range(1, rounds + 1) %}
            select *
            from step_{{ step }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select contact_id, step, from_stage, to_stage, reached_at, direction, trigger, reason, evidence
from final
