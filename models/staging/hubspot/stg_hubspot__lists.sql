with
    source as (select * from {{ source("raw_hubspot", "lists") }}),

    renamed as (
        select
            list_id,
            name as list_name,
            object_type_id,
            upper(processing_type) as processing_type,
            size as member_count,
            created_at,
            updated_at,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
