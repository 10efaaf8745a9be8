with
    final as (
        {{
            union_crm(
                "contacts",
                [
                    "record_id",
                    "crm_object",
                    "created_at",
                    "updated_at",
                    "is_archived",
                    "archived_at",
                    "email_raw",
                    "additional_emails_raw",
                    "first_name",
                    "last_name",
                    "phone_raw",
                    "company_name",
                    "job_title",
                    "website",
                    "city",
                    "state",
                    "country_raw",
                    "language",
                    "lifecycle_stage",
                    "lead_status",
                    "owner_id",
                    "object_source",
                    "analytics_source",
                    "is_opted_out",
                    "merged_record_ids",
                    "associated_company_id",
                    "declared_employee_count",
                    "declared_annual_revenue",
                    "properties",
                    "loaded_at",
                ],
            )
        }}
    )

select *
from final
