with
    final as (
        {{
            union_crm(
                "deals",
                [
                    "record_id",
                    "created_at",
                    "updated_at",
                    "is_archived",
                    "archived_at",
                    "name",
                    "amount",
                    "amount_raw",
                    "currency",
                    "pipeline",
                    "stage",
                    "closed_at",
                    "owner_id",
                    "is_closed",
                    "is_closed_won",
                    "deal_type",
                    "lost_reason",
                    "properties",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
