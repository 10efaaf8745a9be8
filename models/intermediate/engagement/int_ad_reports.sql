-- Lines of spend reports with what they leave to other files: the campaign's name and kind (its history), the account
-- (the campaign's), the currency (the account's, seeds/ad_accounts.csv). A line without any currency is set aside.
with
    lines as (select * from {{ ref("stg_ads__spend") }}),

    campaigns as (select * from {{ ref("int_ad_campaigns") }}),

    ad_accounts as (select platform, nullif(account_id, '') as account_id, currency from {{ ref("ad_accounts") }}),

    named as (
        select
            lines.spend_on,
            lines.platform,
            coalesce(lines.account_id, campaigns.account_id) as account_id,
            lines.campaign_id,
            coalesce(lines.channel_raw, campaigns.channel_raw) as channel_raw,
            -- An id tells campaigns apart until its name is known.
            coalesce(lines.campaign, campaigns.campaign, lines.campaign_id) as campaign,
            lines.currency as reported_currency,
            lines.spend,
            lines.impressions,
            lines.clicks,
            lines.source_file,
            lines.source_row,
            lines.loaded_at
        from lines
        left join campaigns on lines.platform = campaigns.platform and lines.campaign_id = campaigns.campaign_id
    ),

    priced as (
        select named.*, coalesce(named.reported_currency, of_account.currency, of_platform.currency) as currency
        from named
        left join
            ad_accounts as of_account
            on named.platform = of_account.platform
            and named.account_id = of_account.account_id
        left join ad_accounts as of_platform on named.platform = of_platform.platform and of_platform.account_id is null
    ),

    judged as (
        select priced.*, case when currency is null then 'missing_currency' end as quarantine_reason from priced
    ),

    final as (
        select
            spend_on,
            platform,
            account_id,
            channel_raw,
            campaign_id,
            campaign,
            currency,
            spend,
            impressions,
            clicks,
            source_file,
            source_row,
            loaded_at,
            quarantine_reason,
            -- A day that a later file reports again is that file's; a file's own lines of it add up.
            rank() over (
                partition by
                    quarantine_reason,
                    platform,
                    coalesce(account_id, ''),
                    coalesce(channel_raw, ''),
                    coalesce(campaign, ''),
                    spend_on,
                    currency
                order by source_file desc, loaded_at desc
            )
            = 1 as is_newest
        from judged
    )

select *
from final
