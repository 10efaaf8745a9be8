with
    source as (select * from {{ source("raw_ads", "spend") }}),

    renamed as (
        select
            spend_on,
            lower(platform) as platform,
            {{ blank_to_null("channel") }} as channel_raw,
            {{ blank_to_null("campaign") }} as campaign,
            {{ blank_to_null("account_id") }} as account_id,
            {{ blank_to_null("campaign_id") }} as campaign_id,
            upper(currency) as currency,
            cast(spend as decimal(18, 2)) as spend,
            impressions,
            clicks,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
