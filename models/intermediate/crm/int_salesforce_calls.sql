with
    activities as (select * from {{ ref("int_salesforce_activities") }} where kind = 'call'),

    final as (
        select
            record_id,
            created_at,
            updated_at,
            is_archived,
            archived_at,
            coalesce(activity_at, completed_at, due_at, created_at) as activity_at,
            title,
            case call_type when 'INBOUND' then 'INBOUND' else 'OUTBOUND' end as direction,
            call_disposition as disposition,
            call_duration_in_seconds * 1000 as duration_ms,
            status,
            owner_id,
            object_source,
            loaded_at
        from activities
    )

select *
from final
