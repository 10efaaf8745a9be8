-- Grain: conversion kind, model, channel. Every channel that some model credits in the ROI window stands under every
-- model of the kind; `unattributed` is no channel to rank.
with
    credits as (select * from {{ ref("int_window_credits") }} where channel != 'unattributed'),

    summed as (
        select conversion_kind, model, channel, sum(credit) as conversions
        from credits
        group by conversion_kind, model, channel
    ),

    channels as (select distinct conversion_kind, channel from credits),

    models as (select distinct conversion_kind, model from credits),

    filled as (
        select
            channels.conversion_kind,
            models.model,
            channels.channel,
            -- Where models differ by their rounding alone, they do not differ.
            cast(coalesce(summed.conversions, 0) as decimal(18, 6)) as conversions
        from channels
        inner join models on channels.conversion_kind = models.conversion_kind
        left join
            summed
            on channels.conversion_kind = summed.conversion_kind
            and channels.channel = summed.channel
            and models.model = summed.model
    ),

    final as (
        select
            conversion_kind,
            model,
            channel,
            conversions,
            cast(rank() over (partition by conversion_kind, model order by conversions desc) as integer) as channel_rank
        from filled
    )

select *
from final
