-- What a campaign is called now: the newest version that the platforms' campaign histories tell.
with
    versions as (select * from {{ ref("stg_ads__campaigns") }}),

    ranked as (
        select
            versions.*,
            row_number() over (
                partition by platform, campaign_id
                order by updated_at desc, loaded_at desc, source_file desc, source_row desc
            ) as recency
        from versions
    ),

    final as (
        select platform, campaign_id, account_id, channel_raw, campaign, updated_at, source_file, source_row
        from ranked
        where recency = 1
    )

select *
from final
