with
    source as (select * from {{ source("raw_ads", "campaigns") }}),

    renamed as (
        select
            lower(platform) as platform,
            campaign_id,
            {{ blank_to_null("account_id") }} as account_id,
            {{ blank_to_null("channel") }} as channel_raw,
            {{ blank_to_null("campaign") }} as campaign,
            updated_at,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
