with
    source as (select * from {{ source("raw_hubspot", "list_memberships") }}),

    renamed as (select list_id, record_id, added_at, _loaded_at as loaded_at, from source)

select *
from renamed
