-- What is unknown can only widen the range around a score; with every fact known the range is the score.
with
    scores as (
        select contact_id as entity_id, score, score_lo, score_hi, confidence
        from {{ ref("fct_contact_scores") }}
        union all
        select account_id as entity_id, score, score_lo, score_hi, confidence
        from {{ ref("fct_account_scores") }}
    )

select *
from scores
where
    score_lo > score
    or score_hi < score
    or confidence < 0
    or confidence > 1
    or (confidence = 1 and score_lo != score_hi)
