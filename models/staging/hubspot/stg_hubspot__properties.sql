with
    source as (select * from {{ source("raw_hubspot", "properties") }}),

    renamed as (
        select
            lower(object_type) as object_type,
            name as property_name,
            label,
            type,
            field_type,
            group_name,
            coalesce(hubspot_defined, false) as is_hubspot_defined,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
