with
    source as (select * from {{ source("raw_hubspot", "associations") }}),

    renamed as (
        select
            lower(from_object) as from_object,
            from_id,
            lower(to_object) as to_object,
            to_id,
            type_id,
            category,
            label,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
