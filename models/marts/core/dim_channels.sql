with
    channels as (select * from {{ ref("channels") }}),

    final as (select channel, label, channel_group, is_paid, is_direct from channels)

select *
from final
