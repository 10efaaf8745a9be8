-- Campaigns that say of no list whom they are for (R75).
with
    campaigns as (select * from {{ ref("fct_campaign_sends") }}),

    final as (
        select campaign_id, campaign, subject, sends, recipients, first_sent_at, last_sent_at
        from campaigns
        where list_name is null
    )

select *
from final
