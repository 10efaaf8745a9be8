{#
    How much of the spend can be set against credit: on a known channel, with a campaign, reported for every day. A month in
    which a platform reported nothing since its first report has a row too.
#}
with
    spend as (select * from {{ ref("int_ad_spend") }} where spend_on <= cast({{ as_of() }} as date)),
    touches as (select * from {{ ref("fct_touches") }} where touch_at <= {{ as_of() }}),
    channels as (select * from {{ ref("dim_channels") }} where channel != 'unassigned'),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    reported as (
        select
            coalesce(spend.platform, '(none)') as platform,
            cast({{ dbt.date_trunc("month", "spend.spend_on") }} as date) as month_on,
            sum(spend.spend_reporting) as spend,
            sum(case when channels.channel is not null then spend.spend_reporting end) as spend_on_known_channel,
            sum(case when spend.campaign is not null then spend.spend_reporting end) as spend_with_campaign,
            sum(case when spend.spend_reporting is null then 1 else 0 end) as lines_without_rate,
            count(distinct case when spend.spend > 0 then spend.spend_on end) as days_with_spend
        from spend
        left join channels on spend.channel = channels.channel
        group by coalesce(spend.platform, '(none)'), cast({{ dbt.date_trunc("month", "spend.spend_on") }} as date)
    ),

    months as (
        select distinct cast({{ dbt.date_trunc("month", "touch_at") }} as date) as month_on
        from touches
        union distinct
        select month_on
        from reported
    ),

    dated as (
        select
            month_on,
            -- Of the running month, the days up to as-of.
            least(
                cast({{ dbt.dateadd("month", 1, "month_on") }} as date),
                cast({{ dbt.dateadd("day", 1, "cast(" ~ as_of() ~ " as date)") }} as date)
            ) as until_on
        from months
    ),

    platforms as (select platform, min(month_on) as first_month_on from reported group by platform),

    final as (
        select
            platforms.platform,
            dated.month_on,
            cast(coalesce(reported.spend, 0) as decimal(18, 2)) as spend,
            cast(coalesce(reported.spend_on_known_channel, 0) as decimal(18, 2)) as spend_on_known_channel,
            cast(coalesce(reported.spend_with_campaign, 0) as decimal(18, 2)) as spend_with_campaign,
            cast(coalesce(reported.lines_without_rate, 0) as bigint) as lines_without_rate,
            cast(coalesce(reported.days_with_spend, 0) as bigint) as days_with_spend,
            cast({{ dbt.datediff("dated.month_on", "dated.until_on", "day") }} as bigint) as days_in_month,
            cast(
                100
                * coalesce(reported.spend_on_known_channel, 0)
                / nullif(cast(reported.spend as double), 0) as decimal(9, 2)
            ) as channel_coverage_pct,
            cast(
                100
                * coalesce(reported.spend_with_campaign, 0)
                / nullif(cast(reported.spend as double), 0) as decimal(9, 2)
            ) as campaign_coverage_pct,
            cast(
                100.0
                * coalesce(reported.days_with_spend, 0)
                / {{ dbt.datediff("dated.month_on", "dated.until_on", "day") }} as decimal(9, 2)
            ) as day_coverage_pct,
            currencies.currency
        from platforms
        inner join dated on platforms.first_month_on <= dated.month_on
        left join reported on platforms.platform = reported.platform and dated.month_on = reported.month_on
        cross join currencies
    )

select *
from final
