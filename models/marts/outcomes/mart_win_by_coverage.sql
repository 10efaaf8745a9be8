{%- set measures = ["engaged_people", "engaged_roles", "engaged_deciders", "coverage_pct"] -%}

-- The claim that a covered committee wins more often is put to the company's own deals: the rows say what was found,
-- never
-- what ought to be.
with
    deals as (select * from {{ ref("int_opportunity_coverage") }}),

    bands as (select * from {{ ref("outcome_bands") }}),

    decided as (
        {% for measure in measures %}
            select
                '{{ measure }}' as measure,
                cast({{ measure }} as decimal(9, 2)) as measured,
                case when stage_kind = 'won' then 1 else 0 end as won
            from deals
            where stage_kind in ('won', 'lost') and {{ measure }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    counted as (
        select
            bands.measure,
            bands.band,
            bands.band_order,
            bands.label_en,
            bands.label_pt,
            count(*) as deals,
            sum(decided.won) as won
        from decided
        inner join bands on decided.measure = bands.measure and {{ in_band("decided.measured", "bands") }}
        group by bands.measure, bands.band, bands.band_order, bands.label_en, bands.label_pt
    ),

    totals as (
        select
            measure,
            cast(sum(deals) as double) as deals,
            cast(sum(won) as double) as won,
            cast(sum(band_order * won) as double) as order_won,
            cast(sum(band_order * deals) as double) as order_deals,
            cast(sum(band_order * band_order * deals) as double) as order_squares
        from counted
        group by measure
    ),

    -- Cochran-Armitage: whether the win rate rises (or falls) from band to band, in standard deviations.
    trends as (
        select
            measure,
            deals,
            won,
            (order_won - won / deals * order_deals) / nullif(
                sqrt(
                    greatest(won / deals * (1 - won / deals) * (order_squares - order_deals * order_deals / deals), 0)
                ),
                0
            ) as trend_z
        from totals
    ),

    compared as (
        select
            counted.*,
            trends.trend_z,
            cast(trends.won as bigint) - counted.won as other_won,
            cast(trends.deals as bigint) - counted.deals as other_deals
        from counted
        inner join trends on counted.measure = trends.measure
    ),

    bounded as (
        select
            compared.*,
            {{ rate_ratio_interval("won", "deals", "other_won", "other_deals", "lo") }} as ratio_lo,
            {{ rate_ratio_interval("won", "deals", "other_won", "other_deals", "hi") }} as ratio_hi,
            deals >= {{ setting("win_min_decided", "outcome_settings") }}
            and other_deals >= {{ setting("win_min_decided", "outcome_settings") }} as is_enough
        from compared
    ),

    final as (
        select
            measure,
            band,
            cast(band_order as bigint) as band_order,
            label_en,
            label_pt,
            cast(deals as bigint) as deals,
            cast(won as bigint) as won,
            cast(100.0 * won / deals as decimal(7, 3)) as win_rate_pct,
            cast(100 * {{ wilson_interval("won", "deals", "lo") }} as decimal(7, 3)) as win_rate_lo_pct,
            cast(100 * {{ wilson_interval("won", "deals", "hi") }} as decimal(7, 3)) as win_rate_hi_pct,
            cast(
                cast(won as double)
                / deals
                / nullif(cast(other_won as double) / nullif(other_deals, 0), 0) as decimal(12, 4)
            ) as win_rate_ratio,
            cast(ratio_lo as decimal(12, 4)) as win_rate_ratio_lo,
            cast(ratio_hi as decimal(12, 4)) as win_rate_ratio_hi,
            is_enough,
            case
                when not is_enough
                then 'not_enough_deals'
                when ratio_lo > 1
                then 'wins_more'
                when ratio_hi < 1
                then 'wins_less'
                else 'no_difference_shown'
            end as finding,
            cast(trend_z as decimal(9, 3)) as trend_z,
            case
                when trend_z >= {{ setting("trend_min_z", "outcome_settings") }}
                then 'rises'
                when trend_z <= -{{ setting("trend_min_z", "outcome_settings") }}
                then 'falls'
                else 'no_trend_shown'
            end as trend,
            {{ as_of() }} as as_of_at
        from bounded
    )

select *
from final
