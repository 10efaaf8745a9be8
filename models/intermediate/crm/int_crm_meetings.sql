with
    final as (
        {{
            union_crm(
                "meetings",
                [
                    "record_id",
                    "created_at",
                    "updated_at",
                    "is_archived",
                    "archived_at",
                    "activity_at",
                    "title",
                    "started_at",
                    "ended_at",
                    "outcome",
                    "owner_id",
                    "object_source",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
