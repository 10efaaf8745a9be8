with
    source as (select * from {{ source("raw_salesforce", "opportunitystage") }}),

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
            coalesce({{ blank_to_null("api_name") }}, {{ blank_to_null("master_label") }}) as stage,
            {{ blank_to_null("master_label") }} as stage_label,
            coalesce({{ to_boolean("is_active") }}, true) as is_active,
            coalesce({{ to_boolean("is_closed") }}, false) as is_closed,
            coalesce({{ to_boolean("is_won") }}, false) as is_won,
            {{ to_decimal("default_probability", 4) }} as default_probability,
            cast({{ to_decimal("sort_order", 0) }} as bigint) as sort_order,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
