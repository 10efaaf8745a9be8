with
    final as (
        {{
            union_crm(
                "associations",
                [
                    "from_object",
                    "from_id",
                    "to_object",
                    "to_id",
                    "type_id",
                    "category",
                    "label",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
