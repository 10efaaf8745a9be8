-- The newest report of each platform, campaign and day, with its channel and in the reporting currency. Older reports
-- are
-- superseded and counted in mart_record_conservation.
with
    spend as (select * from {{ ref("stg_ads__spend") }}),

    spend_channel_rules as (select * from {{ ref("spend_channel_rules") }}),

    rates as (select * from {{ ref("int_currency_rates") }}),

    ranked as (
        select
            spend.*,
            row_number() over (
                partition by
                    spend.platform,
                    coalesce(spend.channel_raw, ''),
                    coalesce(spend.campaign, ''),
                    spend.spend_on,
                    spend.currency
                order by spend.source_file desc, spend.loaded_at desc, spend.source_row desc
            ) as recency
        from spend
    ),

    kinds as (
        select distinct
            coalesce(platform, '') as platform,
            coalesce(channel_raw, '') as channel_raw,
            coalesce(campaign, '') as campaign
        from spend
    ),

    matched as (
        select
            kinds.platform,
            kinds.channel_raw,
            kinds.campaign,
            spend_channel_rules.channel,
            row_number() over (
                partition by kinds.platform, kinds.channel_raw, kinds.campaign order by spend_channel_rules.priority
            ) as choice
        from kinds
        inner join
            spend_channel_rules
            on (
                spend_channel_rules.platform_pattern is null
                or {{ matches("kinds.platform", "spend_channel_rules.platform_pattern") }}
            )
            and (
                spend_channel_rules.channel_pattern is null
                or {{ matches("lower(kinds.channel_raw)", "spend_channel_rules.channel_pattern") }}
            )
            and (
                spend_channel_rules.campaign_pattern is null
                or {{ matches("lower(kinds.campaign)", "spend_channel_rules.campaign_pattern") }}
            )
    ),

    final as (
        select
            {{
                hash_key(
                    ["ranked.platform", "ranked.channel_raw", "ranked.campaign", "ranked.spend_on", "ranked.currency"]
                )
            }} as spend_id,
            ranked.spend_on,
            ranked.platform,
            matched.channel,
            ranked.campaign,
            ranked.currency,
            ranked.spend,
            cast(ranked.spend * rates.rate as decimal(18, 2)) as spend_reporting,
            ranked.impressions,
            ranked.clicks
        from ranked
        left join
            matched
            on coalesce(ranked.platform, '') = matched.platform
            and coalesce(ranked.channel_raw, '') = matched.channel_raw
            and coalesce(ranked.campaign, '') = matched.campaign
            and matched.choice = 1
        left join
            rates
            on ranked.currency = rates.currency
            and ranked.spend_on >= rates.valid_from
            and ranked.spend_on < rates.valid_to
        where ranked.recency = 1
    )

select *
from final
