-- Page views cut into visits: a visit ends after the agreed gap without a page. One sort per visitor serves every step.
with
    pages as (select * from {{ ref("int_events") }} where event_type in ('page', 'screen') and visitor_id is not null),

    rules as (
        select
            max(case when rule_id = 'session_gap' then value end) as session_gap,
            max(case when rule_id = 'max_page_dwell' then value end) as max_page_dwell
        from {{ ref("session_rules") }}
    ),

    neighbours as (
        select
            message_id,
            visitor_id,
            anonymous_id,
            person_record_id,
            event_at,
            page_url,
            page_path,
            referrer,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind,
            dwell_seconds,
            {{ dbt.datediff("lag(event_at) over visits", "event_at", "second") }} as seconds_since_previous,
            {{ dbt.datediff("event_at", "lead(event_at) over visits", "second") }} as seconds_to_next
        from pages
        window visits as (partition by visitor_id order by event_at, message_id)
    ),

    flagged as (
        select
            neighbours.*,
            seconds_since_previous is null or seconds_since_previous > rules.session_gap as is_landing,
            -- Not known stays not known: least() would take the limit for it.
            coalesce(
                dwell_seconds, case when seconds_to_next <= rules.session_gap then seconds_to_next end
            ) as known_dwell_seconds,
            rules.max_page_dwell
        from neighbours
        cross join rules
    ),

    started as (
        select
            flagged.*,
            max(case when is_landing then event_at end) over (
                partition by visitor_id order by event_at, message_id rows between unbounded preceding and current row
            ) as session_started_at
        from flagged
    ),

    final as (
        select
            message_id,
            {{ hash_key(["visitor_id", "session_started_at"]) }} as session_id,
            session_started_at,
            visitor_id,
            anonymous_id,
            person_record_id,
            event_at,
            page_url,
            page_path,
            referrer,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            click_id_kind,
            cast(
                case
                    when known_dwell_seconds > max_page_dwell
                    then max_page_dwell
                    when known_dwell_seconds < 0
                    then 0
                    else known_dwell_seconds
                end as integer
            ) as dwell_seconds,
            is_landing
        from started
    )

select *
from final
