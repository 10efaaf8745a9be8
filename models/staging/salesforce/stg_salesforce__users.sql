with
    source as (select * from {{ source("raw_salesforce", "user") }}),

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
            {{ blank_to_null("email") }} as email,
            {{ blank_to_null("first_name") }} as first_name,
            {{ blank_to_null("last_name") }} as last_name,
            lower({{ blank_to_null("username") }}) as username,
            {{ blank_to_null("user_type") }} as user_type,
            coalesce({{ to_boolean("is_active") }}, true) as is_active,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
