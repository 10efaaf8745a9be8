-- Costs and calls of the reports are those of the activities, none lost and none twice (R78-R79).
with
    activities as (
        select
            count(*) as activities,
            sum(case when activity_type = 'call' and direction = 'outbound' and is_attempt then 1 else 0 end) as calls
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and not is_automated and activity_at <= {{ as_of() }}
    ),

    costs as (select sum(activities) as activities from {{ ref("mart_cost_to_serve") }}),

    effort as (select sum(calls) as calls from {{ ref("mart_wasted_effort") }})

select activities.*, costs.activities as costed_activities, effort.calls as judged_calls
from activities
cross join costs
cross join effort
where
    activities.activities != coalesce(costs.activities, 0) or coalesce(activities.calls, 0) != coalesce(effort.calls, 0)
