-- Campaigns that we keep: their type says so. Members are read by what changed, so the newest of them tells when that
-- was.
with
    campaigns as (select * from {{ ref("stg_salesforce__campaigns") }}),

    reads as (
        select max(loaded_at) as read_at
        from
            (
                select loaded_at
                from campaigns
                union all
                select loaded_at
                from {{ ref("stg_salesforce__campaign_members") }}
            ) as loads
    ),

    final as (
        select
            campaigns.record_id as list_id,
            campaigns.name as list_name,
            'people' as object_type,
            'MANUAL' as processing_type,
            reads.read_at
        from campaigns
        cross join reads
        where campaigns.campaign_type = 'Leadhouse list' and not campaigns.is_archived
    )

select *
from final
