with
    source as (select * from {{ source("raw_hubspot", "meetings") }}),

    renamed as (
        select
            id as record_id,
            coalesce({{ parse_utc("property_hs_createdate") }}, created_at) as created_at,
            coalesce({{ parse_utc("property_hs_lastmodifieddate") }}, updated_at) as updated_at,
            coalesce(archived, false) as is_archived,
            archived_at,
            coalesce({{ parse_utc("property_hs_timestamp") }}, created_at) as activity_at,
            {{ blank_to_null("property_hs_meeting_title") }} as title,
            {{ parse_utc("property_hs_meeting_start_time") }} as started_at,
            {{ parse_utc("property_hs_meeting_end_time") }} as ended_at,
            upper({{ blank_to_null("property_hs_meeting_outcome") }}) as outcome,
            {{ blank_to_null("property_hubspot_owner_id") }} as owner_id,
            upper({{ blank_to_null("property_hs_object_source") }}) as object_source,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
