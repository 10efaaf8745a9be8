-- Every record that is evidence for a stage, by the rules of stage_triggers.csv. Grain: contact, trigger, moment,
-- record.
with
    contacts as (select * from {{ ref("dim_contacts") }}),
    touches as (select * from {{ ref("fct_touches") }} where contact_id is not null),
    activities as (select * from {{ ref("fct_sales_activities") }} where contact_id is not null),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),
    crossings as (select * from {{ ref("int_stage_line_crossings") }}),
    property_history as (select * from {{ ref("stg_hubspot__property_history") }}),
    hubspot_ids as (select * from {{ ref("int_hubspot_contact_ids") }}),
    triggers as (select * from {{ ref("stage_triggers") }}),

    -- Touches are many: only the types that some trigger names are looked at.
    touch_triggers as (select * from triggers where evidence_kind = 'touch'),

    crm_values as (
        select hubspot_ids.contact_id, property_history.property, property_history.value, property_history.changed_at
        from property_history
        inner join hubspot_ids on property_history.object_id = hubspot_ids.hubspot_id
        where property_history.object_type in ('contact', 'contacts') and property_history.value is not null
    ),

    contact_opportunities as (
        select opportunity_id, contact_id
        from opportunity_contacts
        union distinct
        select opportunity_id, contact_id
        from opportunities
        where contact_id is not null
    ),

    opportunity_facts as (
        select contact_opportunities.contact_id, opportunities.*
        from contact_opportunities
        inner join opportunities on contact_opportunities.opportunity_id = opportunities.opportunity_id
    ),

    -- Nobody is lost with one deal while another of theirs is open.
    lost_beside_another as (
        select distinct lost.contact_id, lost.opportunity_id
        from opportunity_facts as lost
        inner join opportunity_facts as others on lost.contact_id = others.contact_id
        where
            lost.stage_kind = 'lost'
            and lost.opportunity_id != others.opportunity_id
            and others.created_at <= lost.closed_at
            and (others.stage_kind = 'open' or others.closed_at > lost.closed_at)
    ),

    evidence as (
        select
            contact_id,
            'capture' as evidence_kind,
            'record' as evidence_value,
            capture_method as evidence_detail,
            created_at as evidence_at,
            'Record created (' || coalesce(capture_method, 'method unknown') || ')' as evidence
        from contacts
        where created_at is not null

        union all

        select
            contact_id,
            'capture' as evidence_kind,
            touch_type as evidence_value,
            signal_detail as evidence_detail,
            touch_at as evidence_at,
            'Form filled in (' || coalesce(signal_detail, 'kind unknown') || ')' as evidence
        from touches
        where touch_type = 'form_submission'

        union all

        select
            contact_id,
            'touch' as evidence_kind,
            touch_type as evidence_value,
            signal_detail as evidence_detail,
            touch_at as evidence_at,
            touch_type || coalesce(' (' || signal_detail || ')', '') as evidence
        from touches
        where
            touch_type in (select lower(part) from {{ split_rows("touch_triggers", "evidence_values", "|") }} as parts)
            and not coalesce(is_machine, false)

        union all

        select
            contact_id,
            'sales_activity' as evidence_kind,
            -- What the person wrote is not work done by sales.
            case
                when activity_type = 'email' and direction = 'inbound' then 'email_reply' else activity_type
            end as evidence_value,
            outcome as evidence_detail,
            activity_at as evidence_at,
            activity_type || coalesce(' (' || outcome || ')', '') as evidence
        from activities
        where not coalesce(is_automated, false)

        union all

        select
            contact_id,
            case property when 'hs_lead_status' then 'lead_status' else 'lifecycle_stage' end as evidence_kind,
            value as evidence_value,
            cast(null as {{ dbt.type_string() }}) as evidence_detail,
            changed_at as evidence_at,
            case property when 'hs_lead_status' then 'Lead status ' else 'Lifecycle stage ' end || value as evidence
        from crm_values
        where property in ('hs_lead_status', 'lifecyclestage')

        union all

        select
            contact_id,
            'score_line' as evidence_kind,
            line_id as evidence_value,
            stage as evidence_detail,
            crossed_at as evidence_at,
            'Fit '
            || cast(cast(fit_score as decimal(18, 1)) as {{ dbt.type_string() }})
            || ', engagement '
            || cast(cast(engagement_score as decimal(18, 1)) as {{ dbt.type_string() }})
            || ' ('
            || line_id
            || ')' as evidence
        from crossings

        union all

        select
            contact_id,
            'opportunity' as evidence_kind,
            'created' as evidence_value,
            pipeline as evidence_detail,
            created_at as evidence_at,
            'Deal created: ' || coalesce(name, source_record_id) as evidence
        from opportunity_facts
        where created_at is not null

        union all

        select
            opportunity_facts.contact_id,
            'opportunity' as evidence_kind,
            opportunity_facts.stage_kind as evidence_value,
            opportunity_facts.pipeline as evidence_detail,
            opportunity_facts.closed_at as evidence_at,
            'Deal '
            || opportunity_facts.stage_kind
            || ': '
            || coalesce(opportunity_facts.name, opportunity_facts.source_record_id) as evidence
        from opportunity_facts
        left join
            lost_beside_another
            on opportunity_facts.contact_id = lost_beside_another.contact_id
            and opportunity_facts.opportunity_id = lost_beside_another.opportunity_id
        where
            opportunity_facts.stage_kind in ('won', 'lost')
            and opportunity_facts.closed_at is not null
            and lost_beside_another.opportunity_id is null
    ),

    final as (
        select distinct
            evidence.contact_id,
            triggers.stage,
            triggers.trigger,
            triggers.must_follow,
            evidence.evidence_at,
            evidence.evidence
        from evidence
        inner join
            triggers
            on evidence.evidence_kind = triggers.evidence_kind
            and (
                triggers.evidence_values is null or {{ in_list("evidence.evidence_value", "triggers.evidence_values") }}
            )
            and (
                triggers.evidence_details is null
                or {{ in_list("evidence.evidence_detail", "triggers.evidence_details") }}
            )
        where evidence.evidence_at <= {{ as_of() }}
    )

select *
from final
