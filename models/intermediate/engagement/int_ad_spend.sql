-- The newest report of each platform, account, campaign and day, with its channel and in the reporting currency. A
-- report
-- may break a campaign's day down (by ad, by device, by country): its lines add up. Older reports are superseded and
-- counted in mart_record_conservation.
with
    reports as (select * from {{ ref("int_ad_reports") }} where quarantine_reason is null),

    spend_channel_rules as (
        select
            priority,
            channel,
            nullif(platform_pattern, '') as platform_pattern,
            nullif(channel_pattern, '') as channel_pattern,
            nullif(campaign_pattern, '') as campaign_pattern
        from {{ ref("spend_channel_rules") }}
    ),

    rates as (select * from {{ ref("int_currency_rates") }}),

    reported as (
        select
            platform,
            account_id,
            channel_raw,
            campaign,
            spend_on,
            currency,
            cast(sum(spend) as decimal(18, 2)) as spend,
            cast(sum(impressions) as bigint) as impressions,
            cast(sum(clicks) as bigint) as clicks
        from reports
        where is_newest
        group by platform, account_id, channel_raw, campaign, spend_on, currency
    ),

    kinds as (
        select distinct
            coalesce(platform, '') as platform,
            coalesce(channel_raw, '') as channel_raw,
            coalesce(campaign, '') as campaign
        from reports
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
                    [
                        "reported.platform",
                        "reported.account_id",
                        "reported.channel_raw",
                        "reported.campaign",
                        "reported.spend_on",
                        "reported.currency",
                    ]
                )
            }} as spend_id,
            reported.spend_on,
            reported.platform,
            reported.account_id,
            matched.channel,
            reported.campaign,
            reported.currency,
            reported.spend,
            -- Widened first: a product of two DECIMAL(18) overflows from ten billion on.
            {{ try_cast("cast(reported.spend as decimal(28, 2)) * rates.rate", "decimal(18, 2)") }} as spend_reporting,
            reported.impressions,
            reported.clicks
        from reported
        left join
            matched
            on coalesce(reported.platform, '') = matched.platform
            and coalesce(reported.channel_raw, '') = matched.channel_raw
            and coalesce(reported.campaign, '') = matched.campaign
            and matched.choice = 1
        left join
            rates
            on reported.currency = rates.currency
            and reported.spend_on >= rates.valid_from
            and reported.spend_on < rates.valid_to
    )

select *
from final
