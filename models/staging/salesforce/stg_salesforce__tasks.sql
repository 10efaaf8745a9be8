with
    source as (select * from {{ source("raw_salesforce", "task") }}),

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
            {{ provided("subject") }} as title,
            {{ blank_to_null("status") }} as status,
            {{ blank_to_null("type") }} as type,
            {{ blank_to_null("task_subtype") }} as subtype,
            {{ blank_to_null("call_type") }} as call_type,
            cast({{ to_decimal("call_duration_in_seconds", 0) }} as bigint) as call_duration_in_seconds,
            {{ blank_to_null("call_disposition") }} as call_disposition,
            {{ parse_utc("activity_date") }} as due_at,
            {{ parse_utc("completed_date_time") }} as completed_at,
            {{ parse_utc("activity_at_c") }} as activity_at,
            coalesce({{ to_boolean("is_closed") }}, false) as is_closed,
            {{ blank_to_null("who_id") }} as who_id,
            {{ blank_to_null("what_id") }} as what_id,
            {{ blank_to_null("owner_id") }} as owner_id,
            upper({{ blank_to_null("email_direction_c") }}) as email_direction,
            upper({{ blank_to_null("email_status_c") }}) as email_status,
            upper({{ blank_to_null("record_source_c") }}) as record_source,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
