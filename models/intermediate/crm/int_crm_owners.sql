with
    final as (
        {{
            union_crm(
                "owners",
                [
                    "owner_id",
                    "email",
                    "first_name",
                    "last_name",
                    "user_id",
                    "is_archived",
                    "created_at",
                    "updated_at",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
