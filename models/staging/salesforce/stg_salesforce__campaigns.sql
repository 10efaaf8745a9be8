with
    source as (select * from {{ source("raw_salesforce", "campaign") }}),

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
            {{ blank_to_null("type") }} as campaign_type,
            {{ blank_to_null("status") }} as status,
            coalesce({{ to_boolean("is_active") }}, false) as is_active,
            {{ blank_to_null("parent_id") }} as parent_record_id,
            {{ parse_utc("start_date") }} as started_at,
            {{ parse_utc("end_date") }} as ended_at,
            cast({{ to_decimal("number_of_leads", 0) }} as bigint) as lead_count,
            cast({{ to_decimal("number_of_contacts", 0) }} as bigint) as contact_count,
            {{ blank_to_null("owner_id") }} as owner_id,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
