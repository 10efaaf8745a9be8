with
    final as (
        {{
            union_crm(
                "property_history",
                [
                    "object_type",
                    "object_id",
                    "property",
                    "field",
                    "value",
                    "changed_at",
                    "source_type",
                    "source_id",
                    "updated_by_user_id",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
