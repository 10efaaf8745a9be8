{#
    What became of each request for an answer: when somebody first tried, whether the person was reached, whether a buying
    intention followed. Who was never called, or given up after fewer tries than agreed, says nothing about how people
    answer: such requests are censored, not negatives (R60).
-#}
with
    requests as (select * from {{ ref("fct_contact_requests") }} where requested_at <= {{ as_of() }}),

    activities as (
        select contact_id, activity_id, activity_at, is_human_contact
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and is_attempt and not is_automated and activity_at <= {{ as_of() }}
    ),

    intents as (
        select contact_id, intent_at, source_record_id
        from {{ ref("fct_intent_events") }}
        where is_buying_intent and intent_at <= {{ as_of() }}
    ),

    windowed as (
        select
            request_id,
            contact_id,
            request_group,
            requested_at,
            source_record_id,
            lead(requested_at) over (partition by contact_id order by requested_at, request_id) as next_requested_at
        from requests
    ),

    answered as (
        select
            windowed.request_id,
            min(activities.activity_at) as first_attempt_at,
            count(*) as attempts,
            min(case when activities.is_human_contact then activities.activity_at end) as contacted_at
        from windowed
        inner join
            activities
            on windowed.contact_id = activities.contact_id
            and activities.activity_at >= windowed.requested_at
            and (windowed.next_requested_at is null or activities.activity_at < windowed.next_requested_at)
            -- As long for an old request as for a young one.
            and {{ days_between("windowed.requested_at", "activities.activity_at") }}
            <= {{ setting("response_maturity_days", "queue_settings") }}
        group by windowed.request_id
    ),

    -- The request itself is no step further.
    qualified as (
        select windowed.request_id, min(intents.intent_at) as qualified_at
        from windowed
        inner join
            intents
            on windowed.contact_id = intents.contact_id
            and intents.intent_at > windowed.requested_at
            and (windowed.next_requested_at is null or intents.intent_at < windowed.next_requested_at)
            and {{ days_between("windowed.requested_at", "intents.intent_at") }}
            <= {{ setting("response_qualify_days", "queue_settings") }}
        group by windowed.request_id
    ),

    measured as (
        select
            windowed.request_id,
            windowed.contact_id,
            windowed.request_group,
            windowed.requested_at,
            answered.first_attempt_at,
            coalesce(answered.attempts, 0) as attempts,
            answered.contacted_at,
            qualified.qualified_at,
            {{ seconds_between("windowed.requested_at", "answered.first_attempt_at") }} as seconds_to_first,
            {{ days_between("windowed.requested_at", as_of()) }}
            >= {{ setting("response_maturity_days", "queue_settings") }} as is_mature
        from windowed
        left join answered on windowed.request_id = answered.request_id
        left join qualified on windowed.request_id = qualified.request_id
    ),

    final as (
        select
            request_id,
            contact_id,
            request_group,
            requested_at,
            first_attempt_at,
            attempts,
            contacted_at,
            qualified_at,
            seconds_to_first,
            is_mature,
            case
                when not is_mature
                then 'open'
                when contacted_at is not null
                then 'contacted'
                when attempts = 0
                then 'never_tried'
                when attempts < {{ setting("response_min_attempts", "queue_settings") }}
                then 'given_up'
                else 'not_reached'
            end as outcome
        from measured
    )

select *
from final
