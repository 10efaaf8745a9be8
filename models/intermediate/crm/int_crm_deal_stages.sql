with
    final as (
        {{
            union_crm(
                "deal_stages",
                [
                    "pipeline_id",
                    "pipeline_label",
                    "stage_id",
                    "stage_label",
                    "display_order",
                    "probability",
                    "is_closed",
                    "is_archived",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
