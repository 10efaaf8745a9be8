-- Campaigns, and contents, add up to the channels of the same model, kind and month: revenue to the cent.
with
    channels as (
        select model, conversion_kind, month_on, sum(conversions) as conversions, sum(revenue) as revenue
        from {{ ref("mart_channel_credits") }}
        group by model, conversion_kind, month_on
    ),

    details as (
        select
            'campaign' as detail,
            model,
            conversion_kind,
            month_on,
            sum(conversions) as conversions,
            sum(revenue) as revenue
        from {{ ref("mart_campaign_credits") }}
        group by model, conversion_kind, month_on
        union all
        select 'content', model, conversion_kind, month_on, sum(conversions), sum(revenue)
        from {{ ref("mart_content_credits") }}
        group by model, conversion_kind, month_on
    ),

    expected as (
        select kinds.detail, channels.*
        from channels
        cross join
            (
                select 'campaign' as detail
                union all
                select 'content'
            ) as kinds
    )

select expected.*, details.conversions as detail_conversions, details.revenue as detail_revenue
from expected
left join
    details
    on expected.detail = details.detail
    and expected.model = details.model
    and expected.conversion_kind = details.conversion_kind
    and expected.month_on = details.month_on
where
    details.model is null
    -- Each line is rounded to six decimals.
    or abs(expected.conversions - details.conversions) > 0.01
    or expected.revenue != details.revenue
