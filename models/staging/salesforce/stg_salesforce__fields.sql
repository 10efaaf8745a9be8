with
    source as (select * from {{ source("raw_salesforce", "fields") }}),

    renamed as (
        select
            object_name,
            name as field_name,
            label,
            type,
            is_custom,
            is_createable,
            is_updateable,
            is_external_id,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
