with
    source as (select * from {{ source("raw_hubspot", "companies") }}),

    renamed as (
        select
            id as record_id,
            coalesce({{ parse_utc("property_createdate") }}, created_at) as created_at,
            coalesce({{ parse_utc("property_hs_lastmodifieddate") }}, updated_at) as updated_at,
            coalesce(archived, false) as is_archived,
            archived_at,
            {{ blank_to_null("property_name") }} as name,
            {{ blank_to_null("property_domain") }} as domain_raw,
            {{ blank_to_null("property_hs_additional_domains") }} as additional_domains_raw,
            {{ blank_to_null("property_website") }} as website,
            {{ blank_to_null("property_phone") }} as phone_raw,
            {{ blank_to_null("property_city") }} as city,
            {{ blank_to_null("property_state") }} as state,
            {{ blank_to_null("property_country") }} as country_raw,
            {{ blank_to_null("property_industry") }} as industry,
            cast({{ to_decimal("property_numberofemployees", 0) }} as bigint) as employee_count,
            {{ to_decimal("property_annualrevenue", 2) }} as annual_revenue,
            -- The portal keeps amounts in its own currency.
            cast(null as {{ dbt.type_string() }}) as revenue_currency,
            {{ blank_to_null("property_hs_parent_company_id") }} as parent_record_id,
            {{ blank_to_null("property_hubspot_owner_id") }} as owner_id,
            lower({{ blank_to_null("property_lifecyclestage") }}) as lifecycle_stage,
            {{ blank_to_null("property_hs_merged_object_ids") }} as merged_record_ids,
            {{ blank_to_null("property_activity_code") }} as activity_code,
            upper({{ blank_to_null("property_activity_code_system") }}) as activity_code_system,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
