with
    candidates as (select * from {{ ref("int_enrichment_candidates") }} where status = 'queued'),

    accounts as (select account_id, account_name from {{ ref("dim_accounts") }}),

    final as (
        select
            candidates.provider,
            cast(candidates.place as bigint) as queue_position,
            candidates.account_id,
            accounts.account_name,
            candidates.domain,
            candidates.unknown_attributes,
            cast(candidates.engagement_score as decimal(18, 6)) as best_engagement_score,
            cast(candidates.gate_engagement_score as decimal(18, 4)) as gate_engagement_score,
            candidates.account_grade,
            candidates.account_best_grade,
            candidates.account_worst_grade,
            cast(candidates.could_change as bigint) as could_change,
            cast(candidates.steps_up as bigint) as steps_up,
            cast(candidates.steps_down as bigint) as steps_down,
            candidates.last_called_at,
            cast(candidates.cost_per_call as decimal(18, 4)) as cost,
            candidates.currency,
            candidates.cumulated_cost,
            candidates.budget_left,
            {{ as_of() }} as as_of_at
        from candidates
        inner join accounts on candidates.account_id = accounts.account_id
    )

select *
from final
