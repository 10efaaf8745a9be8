-- What each stage of each pipeline means: the first rule that names it, else what the CRM says of the stage.
with
    deals as (select * from {{ ref("int_crm_deals") }}),

    files as (select * from {{ ref("stg_files__opportunities") }}),

    deal_stages as (select * from {{ ref("int_crm_deal_stages") }}),

    history as (
        select distinct source, value as stage
        from {{ ref("int_crm_property_history") }}
        where object_type = 'deals' and field = 'stage' and value is not null
    ),

    stage_rules as (select * from {{ ref("deal_stage_rules") }}),

    crm_stages as (
        select source, pipeline, stage
        from deals
        where stage is not null
        union
        select source, pipeline_id as pipeline, stage_id as stage
        from deal_stages
        union
        select history.source, deals.pipeline, history.stage
        from history
        inner join (select distinct source, pipeline from deals) as deals on history.source = deals.source
    ),

    stages as (
        select
            crm_stages.source,
            crm_stages.pipeline,
            crm_stages.stage,
            coalesce(deal_stages.stage_label, crm_stages.stage) as stage_label,
            deal_stages.display_order,
            case
                when deal_stages.is_closed and deal_stages.probability = 1
                then 'won'
                when deal_stages.is_closed
                then 'lost'
                when deal_stages.is_closed = false
                then 'open'
            end as crm_kind
        from crm_stages
        left join
            deal_stages
            on crm_stages.source = deal_stages.source
            and crm_stages.pipeline = deal_stages.pipeline_id
            and crm_stages.stage = deal_stages.stage_id
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
