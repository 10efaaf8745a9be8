-- Why it came to nothing: deals that were lost, and people whom sales sent away. Every one names the last content
-- that was
-- touched before it, by the company's people for a deal, by the person for a lead.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where stage_kind = 'lost'),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    stages as (select stage from {{ ref("lifecycle_stages") }} where kind = 'out'),

    triggers as (select * from {{ ref("stage_triggers") }} where evidence_kind = 'lead_status'),

    content_touches as (select * from {{ ref("content_touches") }}),

    touches as (
        select touches.contact_id, touches.account_id, touches.touch_at, touches.content
        from {{ ref("fct_touches") }} as touches
        inner join content_touches on touches.touch_type = content_touches.touch_type
        where touches.content is not null and not touches.is_machine
    ),

    objections as (
        select
            'deal_lost' as objection_kind,
            opportunity_id as source_id,
            contact_id,
            account_id,
            coalesce(lost_reason, 'not given') as reason,
            coalesce(closed_at, created_at) as objected_at,
            amount_reporting
        from opportunities

        union all

        select
            'lead_rejected' as objection_kind,
            transitions.transition_id as source_id,
            transitions.contact_id,
            transitions.account_id,
            replace(coalesce(transitions.evidence, 'not given'), 'Lead status ', '') as reason,
            transitions.transition_at as objected_at,
            cast(null as decimal(18, 2)) as amount_reporting
        from transitions
        inner join stages on transitions.to_stage = stages.stage
        inner join triggers on transitions.trigger = triggers.trigger
    ),

    touched_before as (
        select objections.objection_kind, objections.source_id, touches.touch_at, touches.content
        from objections
        inner join touches on objections.account_id = touches.account_id
        where
            objections.objection_kind = 'deal_lost'
            and touches.touch_at <= objections.objected_at
            and {{ days_between("touches.touch_at", "objections.objected_at") }}
            <= {{ setting("objection_content_days", "outcome_settings") }}

        union all

        select objections.objection_kind, objections.source_id, touches.touch_at, touches.content
        from objections
        inner join touches on objections.contact_id = touches.contact_id
        where
            objections.objection_kind = 'lead_rejected'
            and touches.touch_at <= objections.objected_at
            and {{ days_between("touches.touch_at", "objections.objected_at") }}
            <= {{ setting("objection_content_days", "outcome_settings") }}
    ),

    last_touched as (
        select objection_kind, source_id, content
        from
            (
                select
                    objection_kind,
                    source_id,
                    content,
                    row_number() over (
                        partition by objection_kind, source_id order by touch_at desc, content
                    ) as recency
                from touched_before
            ) as ranked
        where recency = 1
    ),

    final as (
        select
            {{ hash_key(["objections.objection_kind", "objections.source_id"]) }} as objection_id,
            objections.objection_kind,
            objections.source_id,
            objections.contact_id,
            objections.account_id,
            objections.reason,
            objections.objected_at,
            objections.amount_reporting,
            coalesce(last_touched.content, 'none') as content
        from objections
        left join
            last_touched
            on objections.objection_kind = last_touched.objection_kind
            and objections.source_id = last_touched.source_id
    )

select *
from final
