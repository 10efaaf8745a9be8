-- What is planned with each contact: tasks that are not done and appointments that were not held yet.
with
    activities as (
        select *
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and outcome in ('open', 'scheduled') and created_at <= {{ as_of() }}
    ),

    final as (
        select
            contact_id,
            min(case when activity_at > {{ as_of() }} then activity_at end) as next_step_at,
            min(
                case when activity_type = 'task' and activity_at <= {{ as_of() }} then activity_at end
            ) as oldest_overdue_at
        from activities
        group by contact_id
    )

select *
from final
