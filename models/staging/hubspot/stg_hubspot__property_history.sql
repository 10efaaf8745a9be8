with
    source as (select * from {{ source("raw_hubspot", "property_history") }}),

    renamed as (
        select
            lower(object_type) as object_type,
            object_id,
            property,
            {{ blank_to_null("value") }} as value,
            changed_at,
            upper(source_type) as source_type,
            source_id,
            updated_by_user_id,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
