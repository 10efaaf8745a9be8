-- Under every model the channels, the unattributed line included, add up to the deals and revenue of the window.
with
    roi as (
        select model, sum(conversions) as conversions, sum(revenue) as revenue, max(window_from_on) as window_from_on
        from {{ ref("mart_channel_roi") }}
        group by model
    ),

    won as (
        select
            roi.model, count(conversions.conversion_id) as conversions, coalesce(sum(conversions.revenue), 0) as revenue
        from roi
        left join
            {{ ref("int_conversions") }} as conversions
            on conversions.conversion_kind = 'won'
            and conversions.conversion_at >= roi.window_from_on
        group by roi.model
    )

select roi.model, roi.conversions, won.conversions as won_conversions, roi.revenue, won.revenue as won_revenue
from roi
inner join won on roi.model = won.model
-- Shares are shown to six decimals, so that their sum may miss by a hair.
where abs(roi.conversions - won.conversions) > 0.001 or roi.revenue != won.revenue
