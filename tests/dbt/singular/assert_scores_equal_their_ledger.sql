-- A score is the sum of its ledger lines, exactly: fit its fit lines, engagement all the others. Returns what differs.
with
    sums as (
        select
            entity_type,
            entity_id,
            sum(case when score_kind = 'fit' then points else 0 end) as fit_score,
            sum(case when score_kind != 'fit' then points else 0 end) as engagement_score,
            sum(points) as score
        from {{ ref("fct_score_ledger") }}
        group by entity_type, entity_id
    ),

    scores as (
        select 'contact' as entity_type, contact_id as entity_id, fit_score, engagement_score, score
        from {{ ref("fct_contact_scores") }}
        union all
        select 'account' as entity_type, account_id as entity_id, fit_score, engagement_score, score
        from {{ ref("fct_account_scores") }}
    )

select scores.entity_type, scores.entity_id, scores.score, sums.score as ledger_score
from scores
left join sums on scores.entity_type = sums.entity_type and scores.entity_id = sums.entity_id
where
    scores.score != coalesce(sums.score, 0)
    or scores.fit_score != coalesce(sums.fit_score, 0)
    or scores.engagement_score != coalesce(sums.engagement_score, 0)
union all
select sums.entity_type, sums.entity_id, null as score, sums.score as ledger_score
from sums
left join scores on sums.entity_type = scores.entity_type and sums.entity_id = scores.entity_id
where scores.entity_id is null
