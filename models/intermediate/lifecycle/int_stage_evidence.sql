{#
    Every record that is evidence for a stage, by the rules of stage_triggers.csv. Silence is evidence too: after so many days
    without anything that the trigger counts as activity. It is looked for only where it could move somebody: among
    contacts with evidence for a stage that such a trigger leads out of.
#}
with
    contacts as (select * from {{ ref("dim_contacts") }}),
    touches as (select * from {{ ref("fct_touches") }} where contact_id is not null),
    activities as (select * from {{ ref("fct_sales_activities") }} where contact_id is not null),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),
    intent_events as (select * from {{ ref("fct_intent_events") }}),
    line_moves as (select * from {{ ref("int_stage_line_moves") }}),
    property_history as (select * from {{ ref("int_crm_property_history") }}),
    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),
    triggers as (select * from {{ ref("stage_triggers") }}),
    transitions as (select * from {{ ref("lifecycle_transitions") }}),

    -- Touches are many: only the types that some trigger names are looked at.
    touch_triggers as (select * from triggers where evidence_kind = 'touch'),

    crm_values as (
        select crm_ids.contact_id, property_history.field, property_history.value, property_history.changed_at
        from property_history
        inner join
            crm_ids on property_history.source = crm_ids.source and property_history.object_id = crm_ids.record_id
        where
            property_history.object_type = 'contacts'
            and property_history.value is not null
            -- What we wrote ourselves proves nothing.
            and not property_history.is_own_write
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

    -- Who won more than one deal has bought again.
    won_deals as (
        select
            contact_id,
            opportunity_id,
            row_number() over (partition by contact_id order by closed_at, opportunity_id) as won_number
        from opportunity_facts
        where stage_kind = 'won' and closed_at is not null
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
            field as evidence_kind,
            value as evidence_value,
            cast(null as {{ dbt.type_string() }}) as evidence_detail,
            changed_at as evidence_at,
            case field when 'lead_status' then 'Lead status ' else 'Lifecycle stage ' end || value as evidence
        from crm_values
        where field in ('lead_status', 'lifecycle_stage')

        union all

        select
            contact_id,
            'intent' as evidence_kind,
            intent_kind as evidence_value,
            case when is_buying_intent then 'buying' else 'other' end as evidence_detail,
            intent_at as evidence_at,
            evidence
        from intent_events

        union all

        select
            contact_id,
            'score_line' as evidence_kind,
            line_id as evidence_value,
            stage as evidence_detail,
            moved_at as evidence_at,
            'Fit '
            || cast(cast(fit_score as decimal(18, 1)) as {{ dbt.type_string() }})
            || ', engagement '
            || cast(cast(engagement_score as decimal(18, 1)) as {{ dbt.type_string() }})
            || ' ('
            || line_id
            || ')' as evidence
        from line_moves
        where movement = 'entered'

        union all

        -- Who still stands on another line of the stage has not left it.
        select
            contact_id,
            'score_left' as evidence_kind,
            stage as evidence_value,
            line_id as evidence_detail,
            moved_at as evidence_at,
            'Engagement '
            || cast(cast(engagement_score as decimal(18, 1)) as {{ dbt.type_string() }})
            || ', below '
            || {{ plain_number("leave_engagement_score") }}
            || ' since '
            || cast(below_since_on as {{ dbt.type_string() }})
            || ' ('
            || line_id
            || ')' as evidence
        from line_moves
        where movement = 'left' and lines_held = 0

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

        union all

        select
            opportunity_facts.contact_id,
            'opportunity' as evidence_kind,
            'won_again' as evidence_value,
            opportunity_facts.pipeline as evidence_detail,
            opportunity_facts.closed_at as evidence_at,
            'Deal won: '
            || coalesce(opportunity_facts.name, opportunity_facts.source_record_id)
            || ' (number '
            || cast(won_deals.won_number as {{ dbt.type_string() }})
            || ')' as evidence
        from opportunity_facts
        inner join
            won_deals
            on opportunity_facts.contact_id = won_deals.contact_id
            and opportunity_facts.opportunity_id = won_deals.opportunity_id
            and won_deals.won_number > 1
    ),

    of_records as (
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
    ),

    silence_triggers as (select * from triggers where evidence_kind = 'inactivity'),

    watched_contacts as (
        select distinct of_records.contact_id
        from of_records
        inner join transitions on of_records.stage = transitions.from_stage
        inner join
            silence_triggers
            on transitions.to_stage = silence_triggers.stage
            and (transitions.trigger is null or transitions.trigger = silence_triggers.trigger)
    ),

    watched_activity as (
        select touches.contact_id, 'touch' as activity, touches.touch_at as active_at
        from touches
        inner join watched_contacts on touches.contact_id = watched_contacts.contact_id
        where touches.is_inbound and not coalesce(touches.is_machine, false)

        union all

        select activities.contact_id, 'sales_activity' as activity, activities.activity_at as active_at
        from activities
        inner join watched_contacts on activities.contact_id = watched_contacts.contact_id
        where not coalesce(activities.is_automated, false)

        union all

        select opportunity_facts.contact_id, 'deal' as activity, opportunity_facts.created_at as active_at
        from opportunity_facts
        inner join watched_contacts on opportunity_facts.contact_id = watched_contacts.contact_id

        union all

        select opportunity_facts.contact_id, 'deal' as activity, opportunity_facts.closed_at as active_at
        from opportunity_facts
        inner join watched_contacts on opportunity_facts.contact_id = watched_contacts.contact_id
        where opportunity_facts.stage_kind = 'won'
    ),

    -- One moment a day is enough to tell how long it was quiet.
    active_moments as (
        select
            silence_triggers.trigger,
            silence_triggers.stage,
            silence_triggers.must_follow,
            silence_triggers.inactive_days,
            watched_activity.contact_id,
            max(watched_activity.active_at) as active_at
        from watched_activity
        inner join
            silence_triggers
            on silence_triggers.evidence_values is null
            or {{ in_list("watched_activity.activity", "silence_triggers.evidence_values") }}
        where watched_activity.active_at <= {{ as_of() }}
        group by
            silence_triggers.trigger,
            silence_triggers.stage,
            silence_triggers.must_follow,
            silence_triggers.inactive_days,
            watched_activity.contact_id,
            cast(watched_activity.active_at as date)
    ),

    quiet_times as (
        select
            contact_id,
            stage,
            trigger,
            must_follow,
            inactive_days,
            active_at,
            cast({{ dbt.dateadd("day", "inactive_days", "active_at") }} as timestamp) as evidence_at,
            lead(active_at) over (partition by contact_id, trigger order by active_at) as next_active_at
        from active_moments
    ),

    of_silence as (
        select
            contact_id,
            stage,
            trigger,
            must_follow,
            evidence_at,
            'Nothing since '
            || cast(cast(active_at as date) as {{ dbt.type_string() }})
            || ' ('
            || cast(inactive_days as {{ dbt.type_string() }})
            || ' days)' as evidence
        from quiet_times
        where evidence_at <= coalesce(next_active_at, {{ as_of() }}) and evidence_at <= {{ as_of() }}
    ),

    final as (
        select contact_id, stage, trigger, must_follow, evidence_at, evidence
        from of_records
        union all
        select contact_id, stage, trigger, must_follow, evidence_at, evidence
        from of_silence
    )

select *
from final
