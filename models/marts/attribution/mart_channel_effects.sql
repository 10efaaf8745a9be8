with
    effects as (select * from {{ ref("int_channel_effects") }}),

    final as (
        select
            conversion_kind,
            method,
            channel,
            cast(effect as decimal(18, 6)) as effect,
            cast(conversions as decimal(18, 6)) as conversions,
            cast(share as decimal(9, 6)) as share
        from effects
    )

select *
from final
