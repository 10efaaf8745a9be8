-- Nobody below the gate is asked about, nothing is asked twice while it is fresh, and no provider is asked for more
-- than what
-- is left of its month (R23).
with
    queue as (select * from {{ ref("mart_enrichment_queue") }}),

    budgets as (select * from {{ ref("enrichment_budget") }}),

    spending as (
        select provider, sum(cost) as cost, max(cumulated_cost) as cumulated_cost, max(budget_left) as budget_left
        from queue
        group by provider
    )

select queue.provider, queue.account_id as subject, 'below the gate' as problem
from queue
inner join budgets on queue.provider = budgets.provider
where queue.best_engagement_score < budgets.gate_engagement_score

union all

select queue.provider, queue.account_id as subject, 'still fresh' as problem
from queue
inner join budgets on queue.provider = budgets.provider
where {{ days_between("queue.last_called_at", as_of()) }} < budgets.cache_days

union all

select spending.provider, spending.provider as subject, 'over budget' as problem
from spending
inner join budgets on spending.provider = budgets.provider
where
    spending.cost != spending.cumulated_cost
    or spending.cost > spending.budget_left
    or spending.budget_left > budgets.monthly_budget

union all

select provider, account_id as subject, 'no grade could change' as problem
from queue
where could_change = 0
