with
    activities as (select * from {{ ref("int_salesforce_activities") }} where kind = 'email'),

    final as (
        select
            record_id,
            created_at,
            updated_at,
            is_archived,
            archived_at,
            coalesce(activity_at, completed_at, due_at, created_at) as activity_at,
            title,
            coalesce(email_direction, 'EMAIL') as direction,
            coalesce(email_status, case when status = 'COMPLETED' then 'SENT' else 'SCHEDULED' end) as status,
            owner_id,
            object_source,
            loaded_at
        from activities
    )

select *
from final
