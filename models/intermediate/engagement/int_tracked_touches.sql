-- Tracker events other than pages that say what a person did: downloads, webinars, forms, and whatever no rule names.
with
    events as (select * from {{ ref("int_events") }} where event_type = 'track' and event_name is not null),

    event_kinds as (select * from {{ ref("event_kinds") }}),

    sessions as (select * from {{ ref("int_web_sessions") }}),

    event_contacts as (select * from {{ ref("int_event_contacts") }}),

    anonymous_contacts as (select * from {{ ref("int_anonymous_contacts") }}),

    rules as (
        select max(case when rule_id = 'session_gap' then value end) as session_gap from {{ ref("session_rules") }}
    ),

    event_names as (select distinct event_name from events),

    named_kinds as (
        select
            event_names.event_name,
            event_kinds.touch_type,
            event_kinds.detail_member,
            row_number() over (partition by event_names.event_name order by event_kinds.priority) as choice
        from event_names
        inner join event_kinds on {{ matches("lower(event_names.event_name)", "event_kinds.name_pattern") }}
    ),

    -- The visit in which, or shortly after whose last page, the event happened.
    visits as (
        select
            events.message_id,
            sessions.session_id,
            sessions.channel,
            sessions.utm_campaign,
            row_number() over (partition by events.message_id order by sessions.session_started_at desc) as choice
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
            coalesce(event_contacts.contact_id, anonymous_contacts.contact_id) as contact_id,
            events.event_at as touch_at,
            coalesce(named_kinds.touch_type, 'tracked_event') as touch_type,
            case
                {% for member in ["content_kind", "webinar_name", "form", "form_id"] %}
                    when named_kinds.detail_member = '{{ member }}' then {{ json_text("events.properties", member) }}
                {% endfor %}
                else events.event_name
            end as signal_detail,
            visits.session_id,
            visits.channel,
            coalesce(events.utm_campaign, visits.utm_campaign) as campaign,
            coalesce(
                {{ json_text("events.properties", "content_name") }},
                {{ json_text("events.properties", "webinar_name") }},
                events.utm_content
            ) as content
        from events
        left join named_kinds on events.event_name = named_kinds.event_name and named_kinds.choice = 1
        left join visits on events.message_id = visits.message_id and visits.choice = 1
        left join event_contacts on events.person_record_id = event_contacts.person_record_id
        left join anonymous_contacts on events.anonymous_id = anonymous_contacts.anonymous_id
    )

select *
from final
