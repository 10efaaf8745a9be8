-- Page views cut into visits: a visit ends after the agreed gap without a page. Sorting costs most, so that pages are
-- sorted
-- once and with few columns; only first pages are sorted again, and the others find their visit by a join.
with
    events as (
        select message_id, visitor_id, event_at, page_path, dwell_seconds
        from {{ ref("int_events") }}
        where event_type in ('page', 'screen')
    ),

    visitors as (select * from {{ ref("int_visitors") }}),

    rules as (
        select
            max(case when rule_id = 'session_gap' then value end) as session_gap,
            max(case when rule_id = 'max_page_dwell' then value end) as max_page_dwell
        from {{ ref("session_rules") }}
    ),

    pages as (
        select events.message_id, visitors.visitor_number, events.event_at, events.page_path, events.dwell_seconds
        from events
        inner join visitors on events.visitor_id = visitors.visitor_id
    ),

    neighbours as (
        select
            message_id,
            visitor_number,
            event_at,
            page_path,
            dwell_seconds,
            {{ dbt.datediff("lag(event_at) over visits", "event_at", "second") }} as seconds_since_previous,
            {{ dbt.datediff("event_at", "lead(event_at) over visits", "second") }} as seconds_to_next
        from pages
        window visits as (partition by visitor_number order by event_at, message_id)
    ),

    flagged as (
        select
            neighbours.message_id,
            neighbours.visitor_number,
            neighbours.event_at,
            neighbours.page_path,
            neighbours.seconds_since_previous is null
            or neighbours.seconds_since_previous > rules.session_gap as is_landing,
            -- Not known stays not known: least() would take the limit for it.
            coalesce(
                neighbours.dwell_seconds,
                case when neighbours.seconds_to_next <= rules.session_gap then neighbours.seconds_to_next end
            ) as known_dwell_seconds,
            rules.max_page_dwell
        from neighbours
        cross join rules
    ),

    visits as (
        select
            visitor_number,
            event_at as session_started_at,
            lead(event_at) over (partition by visitor_number order by event_at) as next_started_at
        from flagged
        where is_landing
    ),

    identified_visits as (
        select
            {{ hash_key(["visitors.visitor_id", "visits.session_started_at"]) }} as session_id,
            visits.visitor_number,
            visits.session_started_at,
            coalesce(visits.next_started_at, cast('9999-12-31' as timestamp)) as next_started_at
        from visits
        inner join visitors on visits.visitor_number = visitors.visitor_number
    ),

    final as (
        select
            flagged.message_id,
            identified_visits.session_id,
            identified_visits.session_started_at,
            flagged.visitor_number,
            flagged.event_at,
            flagged.page_path,
            cast(
                case
                    when flagged.known_dwell_seconds > flagged.max_page_dwell
                    then flagged.max_page_dwell
                    when flagged.known_dwell_seconds < 0
                    then 0
                    else flagged.known_dwell_seconds
                end as integer
            ) as dwell_seconds,
            flagged.is_landing
        from flagged
        inner join
            identified_visits
            on flagged.visitor_number = identified_visits.visitor_number
            and flagged.event_at >= identified_visits.session_started_at
            and flagged.event_at < identified_visits.next_started_at
    )

select *
from final
