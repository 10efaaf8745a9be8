with
    activities as (select * from {{ ref("int_salesforce_activities") }} where kind = 'task'),

    final as (
        select
            record_id,
            created_at,
            updated_at,
            is_archived,
            archived_at,
            coalesce(activity_at, due_at, created_at) as activity_at,
            title,
            upper(type) as task_type,
            status,
            owner_id,
            object_source,
            loaded_at
        from activities
    )

select *
from final
