-- What each stage of each pipeline means: the first rule that names it, else what the CRM says of the stage.
with
    deals as (select * from {{ ref("stg_hubspot__deals") }}),

    files as (select * from {{ ref("stg_files__opportunities") }}),

    deal_stages as (select * from {{ ref("stg_hubspot__deal_stages") }}),

    history as (
        select distinct value as stage
        from {{ ref("stg_hubspot__property_history") }}
        where object_type = 'deals' and property = 'dealstage' and value is not null
    ),

    stage_rules as (select * from {{ ref("deal_stage_rules") }}),

    hubspot_stages as (
        select pipeline, stage
        from deals
        where stage is not null
        union
        select pipeline_id as pipeline, stage_id as stage
        from deal_stages
        union
        select deals.pipeline, history.stage
        from history
        inner join (select distinct pipeline from deals) as deals on true
    ),

    stages as (
        select
            'hubspot' as source,
            hubspot_stages.pipeline,
            hubspot_stages.stage,
            coalesce(deal_stages.stage_label, hubspot_stages.stage) as stage_label,
            deal_stages.display_order,
            case
                when deal_stages.is_closed and deal_stages.probability = 1
                then 'won'
                when deal_stages.is_closed
                then 'lost'
                when deal_stages.is_closed = false
                then 'open'
            end as crm_kind
        from hubspot_stages
        left join
            deal_stages
            on hubspot_stages.pipeline = deal_stages.pipeline_id
            and hubspot_stages.stage = deal_stages.stage_id
        union
        select
            source,
            pipeline,
            stage,
            stage as stage_label,
            cast(null as bigint) as display_order,
            cast(null as {{ dbt.type_string() }}) as crm_kind
        from files
        where stage is not null
    ),

    matched as (
        select
            stages.source,
            stages.pipeline,
            stages.stage,
            stages.stage_label,
            stages.display_order,
            stages.crm_kind,
            stage_rules.stage_kind,
            stage_rules.lifecycle_stage,
            stage_rules.stage_pattern is not null as is_named,
            row_number() over (
                partition by stages.source, stages.pipeline, stages.stage order by stage_rules.priority
            ) as choice
        from stages
        inner join
            stage_rules
            on stage_rules.source in (stages.source, '*')
            and (
                stage_rules.pipeline_pattern is null
                or {{ matches("lower(coalesce(stages.pipeline, ''))", "stage_rules.pipeline_pattern") }}
            )
            and (
                stage_rules.stage_pattern is null
                or {{ matches("lower(stages.stage)", "stage_rules.stage_pattern") }}
                or {{ matches("lower(stages.stage_label)", "stage_rules.stage_pattern") }}
            )
    ),

    final as (
        select
            source,
            pipeline,
            stage,
            stage_label,
            display_order,
            case when is_named then stage_kind else coalesce(crm_kind, stage_kind) end as stage_kind,
            case
                when not is_named and crm_kind = 'won'
                then 'customer'
                when not is_named and crm_kind = 'lost'
                then 'lost'
                else lifecycle_stage
            end as lifecycle_stage
        from matched
        where choice = 1
    )

select *
from final
