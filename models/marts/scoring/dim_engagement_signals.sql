with
    signals as (select * from {{ ref("engagement_signals") }}),

    final as (
        select
            signal_id,
            score_kind,
            touch_type,
            cast(points as decimal(12, 4)) as points,
            cast(half_life_days as decimal(12, 4)) as half_life_days,
            cast(cap as decimal(12, 4)) as cap
        from signals
    )

select *
from final
