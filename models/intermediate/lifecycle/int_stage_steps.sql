-- The walk of each contact through the stages, as long as it is: see the materialization.
{{ config(materialized="stage_walk") }}

with
    moves as (select * from {{ ref("int_stage_moves") }}),

    final as (
        select
            contact_id,
            from_stage,
            to_stage,
            direction,
            stage_order,
            trigger,
            reason,
            evidence,
            evidence_at,
            may_come_before,
            begins_anew
        from moves
    )

select *
from final
