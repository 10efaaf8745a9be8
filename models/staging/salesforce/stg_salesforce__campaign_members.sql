with
    source as (select * from {{ source("raw_salesforce", "campaignmember") }}),

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
            {{ blank_to_null("campaign_id") }} as campaign_id,
            {{ blank_to_null("lead_id") }} as lead_id,
            {{ blank_to_null("contact_id") }} as contact_id,
            {{ blank_to_null("status") }} as status,
            coalesce({{ to_boolean("has_responded") }}, false) as has_responded,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
