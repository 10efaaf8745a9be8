with
    ranks as (select * from {{ ref("int_channel_ranks") }}),

    final as (
        select
            conversion_kind,
            channel,
            min(channel_rank) as best_rank,
            max(channel_rank) as worst_rank,
            cast(percentile_cont(0.5) within group (order by channel_rank) as decimal(9, 1)) as median_rank,
            cast(count(*) as bigint) as models
        from ranks
        group by conversion_kind, channel
    )

select *
from final
