with
    source as (select * from {{ source("raw_salesforce", "lead") }}),

    renamed as (
        select
            id as record_id,
            created_at,
            updated_at,
            system_modstamp,
            created_by_id,
            last_modified_by_id,
            coalesce(is_deleted, false) as is_archived,
            deleted_at as archived_at,
            {{ blank_to_null("email") }} as email_raw,
            {{ blank_to_null("additional_emails_c") }} as additional_emails_raw,
            {{ provided("first_name") }} as first_name,
            {{ provided("last_name") }} as last_name,
            coalesce({{ blank_to_null("phone") }}, {{ blank_to_null("mobile_phone") }}) as phone_raw,
            {{ provided("company") }} as company_name,
            {{ blank_to_null("title") }} as job_title,
            {{ blank_to_null("website") }} as website,
            {{ blank_to_null("city") }} as city,
            {{ blank_to_null("state") }} as state,
            {{ blank_to_null("country") }} as country_raw,
            lower({{ blank_to_null("language_c") }}) as language,
            lower({{ blank_to_null("lifecycle_stage_c") }}) as lifecycle_stage,
            {{ blank_to_null("lead_status_c") }} as own_lead_status,
            {{ blank_to_null("status") }} as status,
            {{ blank_to_null("owner_id") }} as owner_id,
            upper({{ blank_to_null("record_source_c") }}) as record_source,
            upper({{ blank_to_null("lead_source") }}) as lead_source,
            coalesce({{ to_boolean("has_opted_out_of_email") }}, false) as is_opted_out,
            coalesce({{ to_boolean("is_converted") }}, false) as is_converted,
            {{ blank_to_null("converted_contact_id") }} as converted_contact_id,
            {{ blank_to_null("converted_account_id") }} as converted_account_id,
            {{ blank_to_null("converted_opportunity_id") }} as converted_opportunity_id,
            {{ blank_to_null("master_record_id") }} as master_record_id,
            cast({{ to_decimal("number_of_employees", 0) }} as bigint) as declared_employee_count,
            {{ to_decimal("annual_revenue", 2) }} as declared_annual_revenue,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
