with
    source as (select * from {{ source("raw_hubspot", "contacts") }}),

    renamed as (
        select
            id as record_id,
            'contacts' as crm_object,
            coalesce({{ parse_utc("property_createdate") }}, created_at) as created_at,
            coalesce({{ parse_utc("property_lastmodifieddate") }}, updated_at) as updated_at,
            coalesce(archived, false) as is_archived,
            archived_at,
            {{ blank_to_null("property_email") }} as email_raw,
            {{ blank_to_null("property_hs_additional_emails") }} as additional_emails_raw,
            {{ blank_to_null("property_firstname") }} as first_name,
            {{ blank_to_null("property_lastname") }} as last_name,
            coalesce({{ blank_to_null("property_phone") }}, {{ blank_to_null("property_mobilephone") }}) as phone_raw,
            {{ blank_to_null("property_company") }} as company_name,
            {{ blank_to_null("property_jobtitle") }} as job_title,
            {{ blank_to_null("property_website") }} as website,
            {{ blank_to_null("property_city") }} as city,
            {{ blank_to_null("property_state") }} as state,
            {{ blank_to_null("property_country") }} as country_raw,
            lower({{ blank_to_null("property_hs_language") }}) as language,
            lower({{ blank_to_null("property_lifecyclestage") }}) as lifecycle_stage,
            upper({{ blank_to_null("property_hs_lead_status") }}) as lead_status,
            {{ blank_to_null("property_hubspot_owner_id") }} as owner_id,
            upper({{ blank_to_null("property_hs_object_source") }}) as object_source,
            upper({{ blank_to_null("property_hs_analytics_source") }}) as analytics_source,
            coalesce({{ to_boolean("property_hs_email_optout") }}, false) as is_opted_out,
            {{ blank_to_null("property_hs_merged_object_ids") }} as merged_record_ids,
            {{ blank_to_null("property_associatedcompanyid") }} as associated_company_id,
            cast({{ to_decimal("property_numemployees", 0) }} as bigint) as declared_employee_count,
            {{ to_decimal("property_annualrevenue", 2) }} as declared_annual_revenue,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
