with
    opportunities as (select * from {{ ref("stg_salesforce__opportunities") }}),

    owners as (select owner_id from {{ ref("int_salesforce_owners") }}),

    final as (
        select
            opportunities.record_id,
            opportunities.created_at,
            opportunities.updated_at,
            opportunities.is_archived,
            opportunities.archived_at,
            opportunities.name,
            opportunities.amount,
            opportunities.amount_raw,
            opportunities.currency,
            -- An org without pipelines has one.
            coalesce(opportunities.pipeline, 'default') as pipeline,
            opportunities.stage,
            opportunities.closed_at,
            owners.owner_id,
            opportunities.is_closed,
            opportunities.is_closed_won,
            opportunities.deal_type,
            opportunities.lost_reason,
            opportunities.properties,
            opportunities.loaded_at
        from opportunities
        left join owners on opportunities.owner_id = owners.owner_id
    )

select *
from final
