with
    source as (select * from {{ source("raw_hubspot", "tasks") }}),

    renamed as (
        select
            id as record_id,
            coalesce({{ parse_utc("property_hs_createdate") }}, created_at) as created_at,
            coalesce({{ parse_utc("property_hs_lastmodifieddate") }}, updated_at) as updated_at,
            coalesce(archived, false) as is_archived,
            archived_at,
            coalesce({{ parse_utc("property_hs_timestamp") }}, created_at) as activity_at,
            {{ blank_to_null("property_hs_task_subject") }} as title,
            upper({{ blank_to_null("property_hs_task_type") }}) as task_type,
            upper({{ blank_to_null("property_hs_task_status") }}) as status,
            {{ blank_to_null("property_hubspot_owner_id") }} as owner_id,
            upper({{ blank_to_null("property_hs_object_source") }}) as object_source,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
