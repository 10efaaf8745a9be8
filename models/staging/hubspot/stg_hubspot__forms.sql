with
    source as (select * from {{ source("raw_hubspot", "forms") }}),

    renamed as (
        select
            id as form_id,
            name,
            lower(form_type) as form_type,
            field_names,
            coalesce(archived, false) as is_archived,
            created_at,
            updated_at,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
