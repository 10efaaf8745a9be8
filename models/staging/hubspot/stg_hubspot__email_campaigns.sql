with
    source as (select * from {{ source("raw_hubspot", "email_campaigns") }}),

    renamed as (select id as campaign_id, name, subject, type as campaign_type, _loaded_at as loaded_at, from source)

select *
from renamed
