with
    source as (select * from {{ source("raw_hubspot", "deal_stages") }}),

    renamed as (
        select
            pipeline_id,
            pipeline_label,
            stage_id,
            stage_label,
            display_order,
            {{ to_decimal("probability", 4) }} as probability,
            {{ to_boolean("is_closed") }} as is_closed,
            coalesce(archived, false) as is_archived,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
