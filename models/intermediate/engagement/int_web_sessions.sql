-- Whose a visit is: the person its events name, else the person the device belongs to, so that anonymous history joins
-- a contact once it is identified.
with
    page_events as (select * from {{ ref("int_page_events") }}),

    visitors as (select * from {{ ref("int_visitors") }}),

    landings as (select * from {{ ref("int_session_landings") }}),

    traffic_channels as (select * from {{ ref("int_traffic_channels") }}),

    event_contacts as (select * from {{ ref("int_event_contacts") }}),

    anonymous_contacts as (select * from {{ ref("int_anonymous_contacts") }}),

    -- Grouped by numbers and times: a text key costs several times as much.
    visits as (
        select
            visitor_number,
            session_started_at,
            max(event_at) as session_ended_at,
            count(*) as page_views,
            coalesce(sum(dwell_seconds), 0) as dwell_seconds
        from page_events
        group by visitor_number, session_started_at
    ),

    -- Few pages name a person themselves.
    naming_events as (
        select message_id, person_record_id
        from {{ ref("int_events") }}
        where person_record_id is not null and event_type in ('page', 'screen')
    ),

    named_visits as (
        select
            page_events.visitor_number,
            page_events.session_started_at,
            max(naming_events.person_record_id) as person_record_id
        from page_events
        inner join naming_events on page_events.message_id = naming_events.message_id
        group by page_events.visitor_number, page_events.session_started_at
    ),

    final as (
        select
            landings.session_id,
            visitors.visitor_id,
            visitors.anonymous_id,
            coalesce(event_contacts.contact_id, anonymous_contacts.contact_id) as contact_id,
            visits.session_started_at,
            visits.session_ended_at,
            visits.page_views,
            visits.dwell_seconds,
            coalesce(traffic_channels.channel, 'unassigned') as channel,
            landings.utm_source,
            landings.utm_medium,
            landings.utm_campaign,
            landings.utm_content,
            landings.utm_term,
            landings.referrer_host,
            landings.click_id_kind,
            landings.landing_path,
            landings.page_host
        from visits
        inner join visitors on visits.visitor_number = visitors.visitor_number
        inner join
            landings
            on visits.visitor_number = landings.visitor_number
            and visits.session_started_at = landings.session_started_at
        left join traffic_channels on landings.traffic_key = traffic_channels.traffic_key
        left join
            named_visits
            on visits.visitor_number = named_visits.visitor_number
            and visits.session_started_at = named_visits.session_started_at
        left join event_contacts on named_visits.person_record_id = event_contacts.person_record_id
        left join anonymous_contacts on visitors.anonymous_id = anonymous_contacts.anonymous_id
    )

select *
from final
