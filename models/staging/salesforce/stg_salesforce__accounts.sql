with
    source as (select * from {{ source("raw_salesforce", "account") }}),

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
            {{ provided("name") }} as name,
            {{ blank_to_null(json_text("properties", "Domain__c")) }} as domain_raw,
            {{ blank_to_null("additional_domains_c") }} as additional_domains_raw,
            {{ blank_to_null("website") }} as website,
            {{ blank_to_null("phone") }} as phone_raw,
            {{ blank_to_null("billing_city") }} as city,
            {{ blank_to_null("billing_state") }} as state,
            {{ blank_to_null("billing_country") }} as country_raw,
            {{ blank_to_null("industry") }} as industry,
            cast({{ to_decimal("number_of_employees", 0) }} as bigint) as employee_count,
            {{ to_decimal("annual_revenue", 2) }} as annual_revenue,
            upper({{ blank_to_null("currency_iso_code") }}) as revenue_currency,
            {{ blank_to_null("parent_id") }} as parent_record_id,
            {{ blank_to_null("owner_id") }} as owner_id,
            lower({{ blank_to_null("lifecycle_stage_c") }}) as lifecycle_stage,
            {{ blank_to_null("master_record_id") }} as master_record_id,
            {{ blank_to_null("activity_code_c") }} as activity_code,
            upper({{ blank_to_null("activity_code_system_c") }}) as activity_code_system,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
