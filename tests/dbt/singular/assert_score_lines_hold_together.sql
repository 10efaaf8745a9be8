-- What a line says of itself: decay takes off what lies between raw and decayed points; points are the decayed ones,
-- except
-- for what a cap takes; events and people have a last moment, not after as-of; a cap is never exceeded; exclusions
-- carry no
-- points. Returns the lines that do not.
with
    lines as (select * from {{ ref("fct_score_ledger") }}),

    capped as (
        select entity_type, entity_id, rule_id, sum(points) as points, max(cap) as cap
        from lines
        where cap is not null
        group by entity_type, entity_id, rule_id
    )

select ledger_id, rule_id
from lines
where
    decay_points != decayed_points - raw_points
    or (score_kind != 'cap' and points != decayed_points)
    or (score_kind = 'exclusion' and points != 0)
    or (score_kind not in ('fit', 'exclusion') and last_evidence_at is null)
    or last_evidence_at > as_of_at
    or (evidence_count = 0 and score_kind != 'fit')
    or evidence_count < 0
union all
select entity_id as ledger_id, rule_id
from capped
where (cap >= 0 and points > cap) or (cap < 0 and points < cap)
