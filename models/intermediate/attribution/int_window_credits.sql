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

    -- Numbers from 0 are places in a matrix; in the order of ids and names, so that a seed draws the same conversions.
    conversions as (
        select
            conversion_id,
            row_number() over (partition by conversion_kind order by conversion_id) - 1 as conversion_number
        from (select distinct conversion_kind, conversion_id from summed) as found
    ),

    columns as (
        select
            conversion_kind,
            model,
            channel,
            row_number() over (partition by conversion_kind order by model, channel) - 1 as column_number
        from (select distinct conversion_kind, model, channel from summed) as found
    ),

    final as (
        select
            summed.conversion_kind,
            summed.conversion_id,
            conversions.conversion_number,
            summed.model,
            summed.channel,
            columns.column_number,
            summed.credit
        from summed
        inner join conversions on summed.conversion_id = conversions.conversion_id
        inner join
            columns
            on summed.conversion_kind = columns.conversion_kind
            and summed.model = columns.model
            and summed.channel = columns.channel
    )

select *
from final
