with
    final as (
        {{
            union_crm(
                "tasks",
                [
                    "record_id",
                    "created_at",
                    "updated_at",
                    "is_archived",
                    "archived_at",
                    "activity_at",
                    "title",
                    "task_type",
                    "status",
                    "owner_id",
                    "object_source",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
