with
    final as (
        {{
            union_crm(
                "calls",
                [
                    "record_id",
                    "created_at",
                    "updated_at",
                    "is_archived",
                    "archived_at",
                    "activity_at",
                    "title",
                    "direction",
                    "disposition",
                    "duration_ms",
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
