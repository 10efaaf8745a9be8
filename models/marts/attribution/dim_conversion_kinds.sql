with
    attribution_conversions as (select * from {{ ref("attribution_conversions") }}),

    final as (
        select conversion_kind, kind_order, label_en, label_pt, definition, definition_pt, journey_level, lookback_days
        from attribution_conversions
    )

select *
from final
