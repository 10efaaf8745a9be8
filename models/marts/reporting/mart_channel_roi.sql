{#
    Spend, credited conversions and credited revenue of one and the same window: the last `roi_window_days` days before
    as-of. Conversions without a single known touch stand on a line of their own (`unattributed`), so that each model's
    lines add up to all conversions of the window. What sales costs is shared by new customers: each bears the same.
#}
with
    credits as (select * from {{ ref("int_conversion_credits") }}),
    spend_rows as (select * from {{ ref("int_ad_spend") }}),
    channels as (select * from {{ ref("dim_channels") }}),
    models as (select model from {{ ref("attribution_models") }}),
    currencies as (select max(currency) as currency from {{ ref("reporting_currency") }}),

    settings as (
        select
            cast({{ setting("roi_window_days", "reporting_settings") }} as integer) as window_days,
            {{ setting("gross_margin", "reporting_settings") }} as gross_margin,
            {{ setting("deal_months", "reporting_settings") }} as deal_months,
            {{ setting("sales_cost_per_month", "reporting_settings") }} as sales_cost_per_month
    ),

    roi_window as (
        select
            {{ dbt.dateadd("day", "-window_days", "cast(" ~ as_of() ~ " as date)") }} as from_at,
            {{ as_of() }} as until_at,
            -- A month is a twelfth of 365 days.
            cast(sales_cost_per_month as double) * window_days * 12 / 365 as sales_cost
        from settings
    ),

    spend_by_channel as (
        select coalesce(spend_rows.channel, 'unassigned') as channel, sum(spend_rows.spend_reporting) as spend
        from spend_rows
        inner join
            roi_window
            on spend_rows.spend_on >= cast(roi_window.from_at as date)
            and spend_rows.spend_on <= cast(roi_window.until_at as date)
        group by coalesce(spend_rows.channel, 'unassigned')
    ),

    results as (
        select
            credits.channel,
            credits.model,
            sum(case when credits.conversion_kind = 'mql' then credits.credit else 0 end) as mqls,
            sum(case when credits.conversion_kind = 'sal' then credits.credit else 0 end) as sals,
            sum(case when credits.conversion_kind = 'sql' then credits.credit else 0 end) as sqls,
            sum(case when credits.conversion_kind = 'opportunity' then credits.credit else 0 end) as opportunities,
            sum(case when credits.conversion_kind = 'won' then credits.credit else 0 end) as conversions,
            sum(case when credits.is_new_customer then credits.credit else 0 end) as new_customers,
            sum(case when credits.conversion_kind = 'won' then credits.credited_revenue else 0 end) as revenue,
            sum(case when credits.is_new_customer then credits.credited_revenue else 0 end) as new_customer_revenue
        from credits
        inner join
            roi_window on credits.conversion_at >= roi_window.from_at and credits.conversion_at <= roi_window.until_at
        group by credits.channel, credits.model
    ),

    -- Channels that cost or earned something; a channel that only cost stays visible under every model.
    seen as (
        select channel
        from spend_by_channel
        union distinct
        select channel
        from results
    ),

    measured as (
        select
            seen.channel,
            models.model,
            coalesce(channels.channel_group, 'Unattributed') as channel_group,
            cast(coalesce(spend_by_channel.spend, 0) as decimal(18, 2)) as spend,
            cast(coalesce(results.mqls, 0) as decimal(18, 6)) as mqls,
            cast(coalesce(results.sals, 0) as decimal(18, 6)) as sals,
            cast(coalesce(results.sqls, 0) as decimal(18, 6)) as sqls,
            cast(coalesce(results.opportunities, 0) as decimal(18, 6)) as opportunities,
            cast(coalesce(results.conversions, 0) as decimal(18, 6)) as conversions,
            cast(coalesce(results.new_customers, 0) as decimal(18, 6)) as new_customers,
            cast(coalesce(results.revenue, 0) as decimal(18, 2)) as revenue,
            nullif(cast(results.new_customer_revenue as double), 0)
            / nullif(cast(results.new_customers as double), 0) as revenue_per_new_customer,
            -- Null where nothing was spent: nothing divided by something would look like a bargain.
            nullif(cast(spend_by_channel.spend as double), 0) as spent
        from seen
        cross join models
        left join spend_by_channel on seen.channel = spend_by_channel.channel
        left join results on seen.channel = results.channel and models.model = results.model
        left join channels on seen.channel = channels.channel
    ),

    customers as (
        select model, nullif(cast(sum(new_customers) as double), 0) as all_new_customers from measured group by model
    ),

    acquired as (
        select
            measured.*,
            coalesce(measured.spent, 0) / nullif(cast(measured.new_customers as double), 0)
            + roi_window.sales_cost / customers.all_new_customers as cac,
            cast(roi_window.from_at as date) as window_from_on,
            cast(roi_window.until_at as date) as window_until_on
        from measured
        inner join customers on measured.model = customers.model
        cross join roi_window
    ),

    final as (
        select
            acquired.channel,
            acquired.model,
            acquired.channel_group,
            acquired.spend,
            acquired.mqls,
            acquired.sals,
            acquired.sqls,
            acquired.opportunities,
            acquired.conversions,
            acquired.new_customers,
            acquired.revenue,
            cast((acquired.revenue - acquired.spend) / acquired.spent as decimal(18, 4)) as roi,
            cast(
                (cast(acquired.revenue as double) * cast(settings.gross_margin as double) - acquired.spent)
                / acquired.spent as decimal(18, 4)
            ) as margin_roi,
            cast(acquired.revenue / acquired.spent as decimal(18, 4)) as roas,
            {% for cost, count in {
                "cost_per_mql": "mqls",
                "cost_per_sal": "sals",
                "cost_per_sql": "sqls",
                "cost_per_opportunity": "opportunities",
                "cost_per_conversion": "conversions",
            }.items() %}
                cast(acquired.spent / nullif(cast(acquired.{{ count }} as double), 0) as decimal(18, 2)) as {{ cost }},
            {% endfor %}
            cast(nullif(acquired.cac, 0) as decimal(18, 2)) as cac,
            cast(
                nullif(acquired.cac, 0)
                * cast(settings.deal_months as double)
                / nullif(acquired.revenue_per_new_customer * cast(settings.gross_margin as double), 0) as decimal(18, 1)
            ) as payback_months,
            currencies.currency,
            acquired.window_from_on,
            acquired.window_until_on
        from acquired
        cross join settings
        cross join currencies
    )

select *
from final
