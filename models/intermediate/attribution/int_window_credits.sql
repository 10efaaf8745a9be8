-- Grain: conversion of the ROI window, model, channel: what the intervals of channel shares are drawn from.
with
    credits as (select * from {{ ref("int_conversion_credits") }}),

    roi_window as (
        select
            {{
                dbt.dateadd(
                    "day",
                    "-cast(" ~ setting("roi_window_days", "reporting_settings") ~ " as integer)",
                    "cast(" ~ as_of() ~ " as date)",
                )
            }} as from_at
    ),

    summed as (
        select
            credits.conversion_kind,
            credits.conversion_id,
            credits.model,
            credits.channel,
            cast(sum(credits.credit) as decimal(18, 12)) as credit
        from credits
        inner join roi_window on credits.conversion_at >= roi_window.from_at
        group by credits.conversion_kind, credits.conversion_id, credits.model, credits.channel
    ),

    final as (
        select
            conversion_kind,
            conversion_id,
            -- Numbers from 0 are places in a matrix; in the order of the ids, so that a seed draws the same
            -- conversions.
            dense_rank() over (partition by conversion_kind order by conversion_id) - 1 as conversion_number,
            model,
            channel,
            credit
        from summed
    )

select *
from final
