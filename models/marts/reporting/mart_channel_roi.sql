{#
    Spend, credited opportunities, credited deals and credited revenue of one and the same window: the last
    `roi_window_days` days before as-of. Conversions without a single known touch stand on a line of their own
    (`unattributed`), so that each model's lines add up to all conversions of the window.
#}
with
    credits as (select * from {{ ref("fct_attribution_credits") }}),
    conversions as (select * from {{ ref("int_conversions") }}),
    spend_rows as (select * from {{ ref("int_ad_spend") }}),
    channels as (select * from {{ ref("dim_channels") }}),
    models as (select model from {{ ref("attribution_models") }}),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    roi_window as (
        select
            {{
                dbt.dateadd(
                    "day",
                    "-cast(" ~ setting("roi_window_days", "reporting_settings") ~ " as integer)",
                    "cast(" ~ as_of() ~ " as date)",
                )
            }} as from_at, {{ as_of() }} as until_at
    ),

    spend_by_channel as (
        select spend_rows.channel, sum(spend_rows.spend_reporting) as spend
        from spend_rows
        inner join
            roi_window
            on spend_rows.spend_on >= cast(roi_window.from_at as date)
            and spend_rows.spend_on <= cast(roi_window.until_at as date)
        group by spend_rows.channel
    ),

    conversions_in_window as (
        select conversions.*
        from conversions
        inner join
            roi_window
            on conversions.conversion_at >= roi_window.from_at
            and conversions.conversion_at <= roi_window.until_at
    ),

    credited as (
        select
            coalesce(credits.channel, 'unassigned') as channel,
            credits.model,
            credits.conversion_kind,
            sum(credits.credit) as conversions,
            sum(credits.credited_revenue) as revenue
        from credits
        inner join conversions_in_window on credits.conversion_id = conversions_in_window.conversion_id
        group by coalesce(credits.channel, 'unassigned'), credits.model, credits.conversion_kind
    ),

    untouched as (
        select
            conversions_in_window.conversion_kind,
            count(*) as conversions,
            sum(conversions_in_window.revenue) as revenue
        from conversions_in_window
        left join
            (select distinct conversion_id from credits) as credited_conversions
            on conversions_in_window.conversion_id = credited_conversions.conversion_id
        where credited_conversions.conversion_id is null
        group by conversions_in_window.conversion_kind
    ),

    all_credit as (
        select channel, model, conversion_kind, conversions, revenue
        from credited

        union all

        select
            'unattributed' as channel, models.model, untouched.conversion_kind, untouched.conversions, untouched.revenue
        from untouched
        cross join models
    ),

    results as (
        select
            channel,
            model,
            sum(case when conversion_kind = 'opportunity' then conversions else 0 end) as opportunities,
            sum(case when conversion_kind = 'won' then conversions else 0 end) as conversions,
            sum(case when conversion_kind = 'won' then revenue else 0 end) as revenue
        from all_credit
        group by channel, model
    ),

    -- Channels that cost or earned something; a channel that only cost stays visible under every model.
    grid as (
        select seen.channel, models.model
        from
            (
                select channel
                from spend_by_channel
                union distinct
                select channel
                from results
            ) as seen
        cross join models
    ),

    final as (
        select
            grid.channel,
            grid.model,
            coalesce(channels.channel_group, 'Unattributed') as channel_group,
            cast(coalesce(spend_by_channel.spend, 0) as decimal(18, 2)) as spend,
            cast(coalesce(results.opportunities, 0) as decimal(18, 6)) as opportunities,
            cast(coalesce(results.conversions, 0) as decimal(18, 6)) as conversions,
            cast(coalesce(results.revenue, 0) as decimal(18, 2)) as revenue,
            cast(
                (coalesce(results.revenue, 0) - spend_by_channel.spend)
                / nullif(cast(spend_by_channel.spend as double), 0) as decimal(18, 4)
            ) as roi,
            cast(
                coalesce(results.revenue, 0) / nullif(cast(spend_by_channel.spend as double), 0) as decimal(18, 4)
            ) as roas,
            cast(
                spend_by_channel.spend / nullif(cast(results.conversions as double), 0) as decimal(18, 2)
            ) as cost_per_conversion,
            currencies.currency,
            cast(roi_window.from_at as date) as window_from_on,
            cast(roi_window.until_at as date) as window_until_on
        from grid
        left join spend_by_channel on grid.channel = spend_by_channel.channel
        left join results on grid.channel = results.channel and grid.model = results.model
        left join channels on grid.channel = channels.channel
        cross join currencies
        cross join roi_window
    )

select *
from final
