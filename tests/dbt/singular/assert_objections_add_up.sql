-- Within every attribute the objections add up to the lost deals and to the moves by which sales sent people away
-- (R37).
with
    sources as (
        select 'deal_lost' as objection_kind, count(*) as objections
        from {{ ref("fct_opportunities") }}
        where stage_kind = 'lost'

        union all

        select 'lead_rejected' as objection_kind, count(*) as objections
        from {{ ref("fct_stage_transitions") }} as transitions
        inner join {{ ref("lifecycle_stages") }} as stages on transitions.to_stage = stages.stage
        inner join {{ ref("stage_triggers") }} as triggers on transitions.trigger = triggers.trigger
        where stages.kind = 'out' and triggers.evidence_kind = 'lead_status'
    ),

    attributes as (select attribute from {{ ref("profile_attributes") }} where entity = 'contact' and in_objections),

    totals as (
        select objection_kind, attribute, sum(objections) as objections
        from {{ ref("mart_objections") }}
        group by objection_kind, attribute
    )

select sources.objection_kind, attributes.attribute, sources.objections, totals.objections as shown
from sources
cross join attributes
left join totals on sources.objection_kind = totals.objection_kind and attributes.attribute = totals.attribute
where sources.objections != coalesce(totals.objections, 0)
