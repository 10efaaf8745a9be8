with
    intervals as (select * from {{ ref("int_channel_share_intervals") }}),

    final as (
        select
            model,
            conversion_kind,
            channel,
            cast(share as decimal(9, 6)) as share,
            cast(share_lo as decimal(9, 6)) as share_lo,
            cast(share_hi as decimal(9, 6)) as share_hi,
            resamples,
            conversions_n
        from intervals
    )

select *
from final
