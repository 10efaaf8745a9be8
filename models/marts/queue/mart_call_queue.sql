-- Hand-overs that wait for their first contact by a person, of people who may and can be called, in the order in
-- which the
-- team agreed to work them.
with
    handoffs as (select * from {{ ref("fct_handoffs") }}),

    verdicts as (
        select * from {{ ref("fct_handoff_verdicts") }} where verdict not in ('accepted', 'worked_and_rejected')
    ),

    open_stages as (
        select contact_stages.contact_id
        from {{ ref("dim_contact_stages") }} as contact_stages
        inner join {{ ref("lifecycle_stages") }} as stages on contact_stages.stage = stages.stage
        where stages.kind = 'stage'
    ),

    reached as (select distinct handoff_id from {{ ref("fct_attempts") }} where is_human and is_contact),

    tries as (
        select handoff_id, count(*) as attempts, max(attempt_at) as last_attempt_at
        from {{ ref("fct_attempts") }}
        where is_human
        group by handoff_id
    ),

    gate as (select * from {{ ref("fct_handoff_gate") }} where passed),

    contacts as (select * from {{ ref("dim_contacts") }} where phone_e164 is not null),

    scores as (select * from {{ ref("fct_contact_scores") }} where exclusion_reason is null),

    grades as (select * from {{ ref("grades") }}),

    zones as (select * from {{ ref("int_contact_time_zones") }}),

    windows as (select * from {{ ref("int_next_call_windows") }}),

    due as (select handoff_id, due_at from {{ ref("fct_sla_status") }} where check_name = 'first_contact'),

    waiting as (
        select
            handoffs.handoff_id,
            handoffs.contact_id,
            handoffs.account_id,
            handoffs.owner_id,
            handoffs.segment,
            handoffs.request_group,
            handoffs.lead_entered_at,
            handoffs.mql_at,
            scores.grade,
            grades.grade_order,
            scores.score,
            due.due_at,
            coalesce(tries.attempts, 0) as attempts,
            tries.last_attempt_at,
            zones.time_zone,
            windows.window_id,
            windows.next_window_start_at,
            windows.next_window_end_at
        from handoffs
        inner join verdicts on handoffs.handoff_id = verdicts.handoff_id
        inner join open_stages on handoffs.contact_id = open_stages.contact_id
        inner join gate on handoffs.contact_id = gate.contact_id
        inner join contacts on handoffs.contact_id = contacts.contact_id
        inner join scores on handoffs.contact_id = scores.contact_id
        inner join grades on scores.grade = grades.grade
        inner join zones on handoffs.contact_id = zones.contact_id
        left join
            windows
            on coalesce(zones.country, '?') = windows.country
            and zones.time_zone = windows.time_zone
            and zones.calendar = windows.calendar
        left join reached on handoffs.handoff_id = reached.handoff_id
        left join tries on handoffs.handoff_id = tries.handoff_id
        left join due on handoffs.handoff_id = due.handoff_id
        where reached.handoff_id is null and handoffs.next_mql_at is null
    ),

    -- Each criterion as a number, smaller first; the seed says which comes when.
    valued as (
        select
            waiting.*,
            queue_order.rank,
            case
                queue_order.criterion
                when 'request_group'
                then case request_group when 'C' then 0 when 'B' then 1 when 'A' then 2 else 3 end
                when 'due'
                then coalesce({{ seconds_between(as_of(), "due_at") }}, 9000000000)
                when 'grade'
                then grade_order
                when 'score'
                then - cast(score * 1000 as bigint)
                when 'waiting'
                then {{ seconds_between(as_of(), "lead_entered_at") }}
            end as criterion_value
        from waiting
        cross join {{ ref("queue_order") }} as queue_order
    ),

    placed as (
        select
            handoff_id,
            {% for rank in range(1, 6) %}
                max(case when rank = {{ rank }} then criterion_value end) as place_{{ rank }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from valued
        group by handoff_id
    ),

    final as (
        select
            waiting.handoff_id,
            waiting.contact_id,
            waiting.account_id,
            waiting.owner_id,
            cast(
                row_number() over (
                    partition by waiting.owner_id
                    order by
                        {% for rank in range(1, 6) %} placed.place_{{ rank }}, {% endfor %} waiting.mql_at,
                        waiting.handoff_id
                ) as integer
            ) as queue_position,
            waiting.segment,
            waiting.request_group,
            waiting.grade,
            waiting.score,
            waiting.lead_entered_at,
            waiting.due_at as first_contact_due_at,
            waiting.due_at < {{ as_of() }} and waiting.attempts = 0 as is_overdue,
            cast(waiting.attempts as integer) as attempts,
            waiting.last_attempt_at,
            waiting.time_zone,
            waiting.window_id,
            waiting.next_window_start_at,
            waiting.next_window_end_at,
            {{ as_of() }} as as_of_at
        from waiting
        left join placed on waiting.handoff_id = placed.handoff_id
    )

select *
from final
