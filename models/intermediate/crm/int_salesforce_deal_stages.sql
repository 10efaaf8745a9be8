-- Stages belong to no pipeline in Salesforce: every pipeline that an opportunity names has them all.
with
    stages as (select * from {{ ref("stg_salesforce__opportunity_stages") }} where not is_archived),

    pipelines as (
        select 'default' as pipeline
        union
        select pipeline
        from {{ ref("int_salesforce_deals") }}
    ),

    final as (
        select
            pipelines.pipeline as pipeline_id,
            pipelines.pipeline as pipeline_label,
            stages.stage as stage_id,
            coalesce(stages.stage_label, stages.stage) as stage_label,
            stages.sort_order as display_order,
            -- Whether a closed stage is won is said outright, not by its probability.
            cast(
                case
                    when stages.is_won then 1 when stages.is_closed then 0 else stages.default_probability / 100
                end as decimal(18, 4)
            ) as probability,
            stages.is_closed,
            not stages.is_active as is_archived,
            stages.loaded_at
        from stages
        cross join pipelines
    )

select *
from final
