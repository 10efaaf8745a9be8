with
    final as (
        {{
            union_crm(
                "companies",
                [
                    "record_id",
                    "created_at",
                    "updated_at",
                    "is_archived",
                    "archived_at",
                    "name",
                    "domain_raw",
                    "additional_domains_raw",
                    "website",
                    "phone_raw",
                    "city",
                    "state",
                    "country_raw",
                    "industry",
                    "employee_count",
                    "annual_revenue",
                    "revenue_currency",
                    "parent_record_id",
                    "owner_id",
                    "lifecycle_stage",
                    "merged_record_ids",
                    "activity_code",
                    "activity_code_system",
                    "properties",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
