with
    source as (select * from {{ source("raw_hubspot", "owners") }}),

    renamed as (
        select
            id as owner_id,
            {{ blank_to_null("email") }} as email,
            {{ blank_to_null("first_name") }} as first_name,
            {{ blank_to_null("last_name") }} as last_name,
            user_id,
            coalesce(archived, false) as is_archived,
            created_at,
            updated_at,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
