{#
    What each hand-over is judged by: when it was due, when it happened, what sales decided. Kept apart from the judgements,
    so that speed, SLA checks and verdict read the same moments.

    Work counts until the hand-over is closed: sales rejected it, or it matured, whichever came first.
-#}
with
    handoffs as (select * from {{ ref("int_handoffs") }}),

    contracts as (select * from {{ ref("sla_contracts") }}),

    attempts as (select * from {{ ref("fct_attempts") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    moves as (select * from {{ ref("handoff_moves") }} where meaning in ('accepted', 'rejected')),

    activities as (
        select *
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and is_human_contact and activity_at <= {{ as_of() }}
    ),

    days as (select * from {{ ref("int_business_days") }}),

    contracted as (
        select
            handoffs.*,
            contracts.measured_from,
            contracts.time_kind,
            contracts.first_contact_within_minutes,
            contracts.min_attempts,
            contracts.max_days_to_last_attempt,
            contracts.min_touches_before_give_up,
            case
                when contracts.measured_from = 'capture'
                then handoffs.lead_entered_at
                -- What nobody was given waits for all of sales.
                else coalesce(handoffs.assigned_at, handoffs.mql_at)
            end as clock_starts_at,
            {{ dbt.dateadd("day", "contracts.max_days_to_last_attempt", "handoffs.lead_entered_at") }}
            as last_attempt_due_at,
            {{ dbt.dateadd("day", "contracts.maturity_days", "handoffs.mql_at") }} as matures_at
        from handoffs
        left join
            contracts on handoffs.contract_id = contracts.contract_id and handoffs.contract_version = contracts.version
    ),

    -- The last word counts, until the hand-over matures: a mature cohort's figures stand.
    decision_moves as (
        select
            contracted.handoff_id,
            moves.meaning as decision,
            transitions.transition_at as decided_at,
            max(case when moves.meaning = 'rejected' then transitions.transition_number end) over (
                partition by contracted.handoff_id
            ) as last_rejection,
            transitions.transition_number
        from contracted
        inner join
            transitions
            on contracted.contact_id = transitions.contact_id
            and transitions.transition_number > contracted.transition_number
            and (
                contracted.next_transition_number is null
                or transitions.transition_number < contracted.next_transition_number
            )
            and (contracted.matures_at is null or transitions.transition_at <= contracted.matures_at)
            and transitions.transition_at <= {{ as_of() }}
        inner join
            moves
            on transitions.to_stage = moves.to_stage
            and (moves.from_stage is null or transitions.from_stage = moves.from_stage)
    ),

    decisions as (
        select
            handoff_id,
            -- Accepted since the last rejection, if there was one.
            min(
                case
                    when decision = 'accepted' and (last_rejection is null or transition_number > last_rejection)
                    then decided_at
                end
            ) as accepted_at,
            max(case when decision = 'rejected' then decided_at end) as rejected_at
        from decision_moves
        group by handoff_id
    ),

    decided as (
        select
            contracted.*,
            case
                when decisions.accepted_at is not null
                then 'accepted'
                when decisions.rejected_at is not null
                then 'rejected'
            end as decision,
            coalesce(decisions.accepted_at, decisions.rejected_at) as decided_at,
            case
                when decisions.accepted_at is null and decisions.rejected_at is not null
                then decisions.rejected_at
                when contracted.matures_at <= {{ as_of() }}
                then contracted.matures_at
            end as closed_at
        from contracted
        left join decisions on contracted.handoff_id = decisions.handoff_id
    ),

    -- Reached is reached, whoever wrote or called.
    reached as (
        select decided.handoff_id, min(activities.activity_at) as reached_at
        from decided
        inner join
            activities
            on decided.contact_id = activities.contact_id
            and activities.activity_at >= decided.lead_entered_at
            and (decided.window_ends_at is null or activities.activity_at < decided.window_ends_at)
            and (decided.closed_at is null or activities.activity_at <= decided.closed_at)
        group by decided.handoff_id
    ),

    worked as (
        select
            decided.handoff_id,
            min(case when attempts.is_human then attempts.attempt_at end) as first_attempt_at,
            min(case when not attempts.is_human then attempts.attempt_at end) as first_automatic_at,
            min(
                case
                    when attempts.is_human and (decided.closed_at is null or attempts.attempt_at <= decided.closed_at)
                    then attempts.attempt_at
                end
            ) as first_worked_at,
            -- Once the person is reached no further attempt is owed.
            max(
                case
                    when
                        attempts.is_human
                        and (decided.closed_at is null or attempts.attempt_at <= decided.closed_at)
                        and (reached.reached_at is null or attempts.attempt_at <= reached.reached_at)
                    then attempts.attempt_at
                end
            ) as last_attempt_at,
            sum(
                case
                    when
                        attempts.is_human
                        and (decided.closed_at is null or attempts.attempt_at <= decided.closed_at)
                        and attempts.attempt_at <= decided.last_attempt_due_at
                    then 1
                    else 0
                end
            ) as attempts_in_time,
            max(
                case when attempts.attempt_number = decided.min_attempts then attempts.attempt_at end
            ) as enough_attempts_at,
            sum(
                case when decided.closed_at is null or attempts.attempt_at <= decided.closed_at then 1 else 0 end
            ) as touches
        from decided
        inner join attempts on decided.handoff_id = attempts.handoff_id
        left join reached on decided.handoff_id = reached.handoff_id
        group by decided.handoff_id
    ),

    gathered as (
        select
            decided.*,
            reached.reached_at,
            worked.first_attempt_at,
            worked.first_automatic_at,
            worked.first_worked_at,
            worked.last_attempt_at,
            worked.enough_attempts_at,
            coalesce(worked.attempts_in_time, 0) as attempts_in_time,
            coalesce(worked.touches, 0) as touches,
            -- Whoever acts has taken it up, whoever it is assigned to afterwards: the two delays add up to the whole.
            case
                when worked.first_attempt_at < decided.assigned_at or decided.assigned_at is null
                then worked.first_attempt_at
                else decided.assigned_at
            end as taken_up_at
        from decided
        left join reached on decided.handoff_id = reached.handoff_id
        left join worked on decided.handoff_id = worked.handoff_id
    ),

    placed as (
        select
            gathered.*,
            start_days.local_date as starts_on,
            {{ business_position("start_days", "gathered.clock_starts_at") }}
            + gathered.first_contact_within_minutes * 60000000 as due_position,
            {{
                business_seconds(
                    "entry_days", "gathered.lead_entered_at", "attempt_days", "gathered.first_attempt_at"
                )
            }} as business_seconds,
            {{ business_seconds("entry_days", "gathered.lead_entered_at", "taken_days", "gathered.taken_up_at") }}
            as system_business_seconds,
            {{ business_seconds("taken_days", "gathered.taken_up_at", "attempt_days", "gathered.first_attempt_at") }}
            as human_business_seconds
        from gathered
        {% for days, moment in [
                ("start_days", "clock_starts_at"),
                ("entry_days", "lead_entered_at"),
                ("taken_days", "taken_up_at"),
                ("attempt_days", "first_attempt_at"),
            ] %}
            left join
                days as {{ days }}
                on gathered.calendar = {{ days }}.calendar
                and gathered.calendar_time_zone = {{ days }}.time_zone
                and cast({{ local_time("gathered." ~ moment, "gathered.calendar_time_zone") }} as date)
                = {{ days }}.local_date
        {% endfor %}
    ),

    -- The day in whose openings the agreed business time runs out.
    due_days as (
        select
            placed.handoff_id,
            {{
                add_microseconds(
                    "case when placed.due_position - days.open_microseconds_before <= "
                    ~ microseconds_between("days.first_opens_at", "days.first_closes_at")
                    ~ " then days.first_opens_at else days.second_opens_at end",
                    "case when placed.due_position - days.open_microseconds_before <= "
                    ~ microseconds_between("days.first_opens_at", "days.first_closes_at")
                    ~ " then placed.due_position - days.open_microseconds_before else placed.due_position"
                    ~ " - days.open_microseconds_before - "
                    ~ microseconds_between("days.first_opens_at", "days.first_closes_at")
                    ~ " end",
                )
            }} as due_at
        from placed
        inner join
            days
            on placed.time_kind = 'business'
            and placed.calendar = days.calendar
            and placed.calendar_time_zone = days.time_zone
            and days.local_date >= placed.starts_on
            and days.open_microseconds_before < placed.due_position
            and days.open_microseconds_before + days.open_microseconds >= placed.due_position
    ),

    final as (
        select
            placed.handoff_id,
            placed.contact_id,
            placed.account_id,
            placed.contract_id,
            placed.segment,
            placed.owner_id,
            placed.mql_at,
            placed.lead_entered_at,
            placed.assigned_at,
            placed.taken_up_at,
            placed.first_automatic_at,
            placed.first_attempt_at,
            placed.reached_at,
            placed.first_worked_at,
            placed.last_attempt_at,
            placed.enough_attempts_at,
            cast(placed.attempts_in_time as integer) as attempts_in_time,
            cast(placed.touches as integer) as touches,
            placed.min_attempts,
            placed.min_touches_before_give_up,
            placed.decision,
            placed.decided_at,
            placed.closed_at,
            case
                when placed.time_kind = 'business'
                then due_days.due_at
                else {{ add_microseconds("placed.clock_starts_at", "placed.first_contact_within_minutes * 60000000") }}
            end as first_contact_due_at,
            placed.last_attempt_due_at,
            placed.matures_at,
            placed.business_seconds,
            placed.system_business_seconds,
            placed.human_business_seconds
        from placed
        left join due_days on placed.handoff_id = due_days.handoff_id
    )

select *
from final
