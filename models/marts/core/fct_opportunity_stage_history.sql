-- When an opportunity entered each stage. A source without history gives its current stage only.
with
    opportunities as (select * from {{ ref("fct_opportunities") }}),

    stage_kinds as (select * from {{ ref("int_stage_kinds") }}),

    history as (
        select source, object_id, value as stage, changed_at, source_type
        from {{ ref("int_crm_property_history") }}
        where object_type = 'deals' and field = 'stage' and value is not null
    ),

    recorded as (
        select distinct
            opportunities.opportunity_id,
            opportunities.source,
            opportunities.pipeline,
            history.stage,
            history.changed_at as entered_at
        from history
        inner join
            opportunities
            on history.source = opportunities.source
            and history.object_id = opportunities.source_record_id
        where history.changed_at is not null
    ),

    unrecorded as (
        select
            opportunities.opportunity_id,
            opportunities.source,
            opportunities.pipeline,
            opportunities.stage,
            coalesce(opportunities.closed_at, opportunities.created_at) as entered_at
        from opportunities
        left join recorded on opportunities.opportunity_id = recorded.opportunity_id
        where
            recorded.opportunity_id is null
            and opportunities.stage is not null
            and coalesce(opportunities.closed_at, opportunities.created_at) is not null
    ),

    entries as (
        select *
        from recorded
        union all
        select *
        from unrecorded
    ),

    final as (
        select
            {{ hash_key(["entries.opportunity_id", "entries.stage", "entries.entered_at"]) }} as stage_entry_id,
            entries.opportunity_id,
            entries.stage,
            coalesce(stage_kinds.stage_label, entries.stage) as stage_label,
            coalesce(stage_kinds.stage_kind, 'open') as stage_kind,
            stage_kinds.lifecycle_stage,
            entries.entered_at,
            lead(entries.entered_at) over (
                partition by entries.opportunity_id order by entries.entered_at, entries.stage
            ) as left_at
        from entries
        left join
            stage_kinds
            on entries.source = stage_kinds.source
            and entries.pipeline is not distinct from stage_kinds.pipeline
            and entries.stage = stage_kinds.stage
    )

select *
from final
