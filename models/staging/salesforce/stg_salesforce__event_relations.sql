with
    source as (select * from {{ source("raw_salesforce", "eventrelation") }}),

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
            {{ blank_to_null("event_id") }} as event_id,
            {{ blank_to_null("relation_id") }} as relation_id,
            coalesce({{ to_boolean("is_what") }}, false) as is_what,
            coalesce({{ to_boolean("is_invitee") }}, false) as is_invitee,
            {{ blank_to_null("status") }} as status,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
