-- Tracker events other than pages that say what a person did: downloads, webinars, forms, and whatever no rule names.
with
    tracked_events as (select * from {{ ref("int_events") }} where event_type = 'track' and event_name is not null),

    event_kinds as (select * from {{ ref("event_kinds") }}),

    form_kinds as (select * from {{ ref("form_kinds") }}),

    form_touches as (select contact_id, touch_at from {{ ref("int_form_touches") }}),

    sessions as (select * from {{ ref("int_web_sessions") }}),

    event_contacts as (select * from {{ ref("int_event_contacts") }}),

    anonymous_contacts as (select * from {{ ref("int_anonymous_contacts") }}),

    traffic_channels as (select * from {{ ref("int_traffic_channels") }}),

    rules as (
        select
            max(case when rule_id = 'session_gap' then value end) as session_gap,
            max(case when rule_id = 'same_form' then value end) as same_form
        from {{ ref("session_rules") }}
    ),

    event_names as (select distinct event_name from tracked_events),

    named_kinds as (
        select
            event_names.event_name,
            event_kinds.touch_type,
            event_kinds.detail_member,
            row_number() over (partition by event_names.event_name order by event_kinds.priority) as choice
        from event_names
        inner join event_kinds on {{ matches("lower(event_names.event_name)", "event_kinds.name_pattern") }}
    ),

    events as (
        select
            tracked_events.*,
            coalesce(event_contacts.contact_id, anonymous_contacts.contact_id) as contact_id,
            case when named_kinds.event_name is null then 'tracked_event' else named_kinds.touch_type end as touch_type,
            case
                named_kinds.detail_member
                {% for member in ["content_kind", "content_name", "webinar_name", "form"] %}
                    when '{{ member }}' then {{ json_text("tracked_events.properties", member) }}
                {% endfor %}
            end as detail,
            coalesce(
                {{ json_text("tracked_events.properties", "form") }},
                {{ json_text("tracked_events.properties", "form_name") }},
                {{ json_text("tracked_events.properties", "form_id") }}
            ) as form_name,
            coalesce(
                {{ json_text("tracked_events.properties", "content_name") }},
                {{ json_text("tracked_events.properties", "webinar_name") }},
                tracked_events.utm_content
            ) as content,
            {{
                hash_key(
                    [
                        "tracked_events.utm_source",
                        "tracked_events.utm_medium",
                        "tracked_events.utm_campaign",
                        "cast(null as " ~ dbt.type_string() ~ ")",
                        "tracked_events.click_id_kind",
                    ]
                )
            }} as traffic_key
        from tracked_events
        left join named_kinds on tracked_events.event_name = named_kinds.event_name and named_kinds.choice = 1
        left join event_contacts on tracked_events.person_record_id = event_contacts.person_record_id
        left join anonymous_contacts on tracked_events.anonymous_id = anonymous_contacts.anonymous_id
        where named_kinds.event_name is null or named_kinds.touch_type is not null
    ),

    keyed_forms as (
        select form_name, {{ words_key("form_name") }} as form_key
        from
            (
                select distinct form_name from events where touch_type = 'form_submission' and form_name is not null
            ) as forms
    ),

    named_forms as (
        select
            keyed_forms.form_name,
            form_kinds.form_kind,
            row_number() over (partition by keyed_forms.form_name order by form_kinds.priority) as choice
        from keyed_forms
        inner join form_kinds on {{ matches("keyed_forms.form_key", "form_kinds.name_pattern") }}
    ),

    -- The CRM saw the same form: its record is richer.
    seen_by_crm as (
        select distinct events.message_id
        from events
        cross join rules
        inner join form_touches on events.contact_id = form_touches.contact_id
        where
            events.touch_type = 'form_submission'
            and abs({{ dbt.datediff("form_touches.touch_at", "events.event_at", "second") }}) <= rules.same_form
    ),

    -- The visit in which, or shortly after whose last page, the event happened.
    visits as (
        select
            events.message_id,
            sessions.session_id,
            sessions.channel,
            sessions.utm_campaign,
            row_number() over (
                partition by events.message_id order by sessions.session_started_at desc, sessions.session_id
            ) as choice
        from events
        cross join rules
        inner join
            sessions
            on events.visitor_id = sessions.visitor_id
            and events.event_at >= sessions.session_started_at
            and {{ dbt.datediff("sessions.session_ended_at", "events.event_at", "second") }} <= rules.session_gap
    ),

    final as (
        select
            events.message_id,
            events.contact_id,
            events.event_at as touch_at,
            events.touch_type,
            case
                events.touch_type
                when 'form_submission'
                then coalesce(named_forms.form_kind, 'other')
                when 'tracked_event'
                then events.event_name
                when 'offline_event'
                then events.event_name
                else events.detail
            end as signal_detail,
            visits.session_id,
            -- An event outside any visit (a fair, a form on paper) has the channel its own tags say.
            case
                when visits.session_id is not null
                then visits.channel
                when coalesce(events.utm_source, events.utm_medium, events.utm_campaign) is not null
                then traffic_channels.channel
            end as channel,
            coalesce(events.utm_campaign, visits.utm_campaign) as campaign,
            coalesce(events.content, events.form_name) as content
        from events
        left join named_forms on events.form_name = named_forms.form_name and named_forms.choice = 1
        left join visits on events.message_id = visits.message_id and visits.choice = 1
        left join traffic_channels on events.traffic_key = traffic_channels.traffic_key
        left join seen_by_crm on events.message_id = seen_by_crm.message_id
        where seen_by_crm.message_id is null
    )

select *
from final
