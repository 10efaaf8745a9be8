{#
    Whether higher scores were worked first (R58): of every two leads that an owner first tried on one day, which came first.
    Pairs within one owner and day only, and of them so many first attempts as the setting says, so that a thousand calls of
    one day are not half a million pairs; leads handed over after the other was tried could not have come first and make no
    pair. Beside it, whom the owner left waiting: a lead at least a day old with a higher score than somebody tried that day.
-#}
{%- set most_weeks = 128 -%}

with
    handoffs as (select * from {{ ref("fct_handoffs") }}),

    scores as (select handoff_id, score from {{ ref("int_handover_scores") }}),

    facts as (select handoff_id, first_attempt_at, closed_at from {{ ref("int_handoff_facts") }}),

    week_numbers as ({{ dbt.generate_series(most_weeks) }}),

    first_attempts as (
        select
            attempts.owner_id,
            attempts.handoff_id,
            attempts.attempt_at,
            cast(attempts.attempt_at as date) as worked_on,
            handoffs.mql_at,
            scores.score,
            row_number() over (
                partition by attempts.owner_id, cast(attempts.attempt_at as date)
                order by attempts.attempt_at, attempts.handoff_id
            ) as place
        from {{ ref("fct_attempts") }} as attempts
        inner join handoffs on attempts.handoff_id = handoffs.handoff_id
        inner join scores on attempts.handoff_id = scores.handoff_id
        where attempts.attempt_number = 1 and attempts.owner_id is not null
    ),

    compared as (select * from first_attempts where place <= {{ setting("adherence_max_attempts", "queue_settings") }}),

    pairs as (
        select
            earlier.owner_id,
            earlier.worked_on,
            case
                when earlier.score > later.score then 1 when earlier.score < later.score then -1 else 0
            end as agreement
        from compared as earlier
        inner join
            compared as later
            on earlier.owner_id = later.owner_id
            and earlier.worked_on = later.worked_on
            and earlier.attempt_at < later.attempt_at
            and later.mql_at <= earlier.attempt_at
    ),

    weeks as (
        select
            owner_id,
            cast({{ dbt.date_trunc("week", "worked_on") }} as date) as week_on,
            count(*) as pairs,
            sum(case when agreement = 1 then 1 else 0 end) as in_order,
            sum(case when agreement = -1 then 1 else 0 end) as inversions
        from pairs
        group by owner_id, cast({{ dbt.date_trunc("week", "worked_on") }} as date)
    ),

    firsts as (
        select
            owner_id,
            cast({{ dbt.date_trunc("week", "worked_on") }} as date) as week_on,
            count(*) as leads_tried,
            sum(
                case when place > {{ setting("adherence_max_attempts", "queue_settings") }} then 1 else 0 end
            ) as not_compared
        from first_attempts
        group by owner_id, cast({{ dbt.date_trunc("week", "worked_on") }} as date)
    ),

    days as (
        select
            owner_id,
            worked_on,
            cast({{ dbt.date_trunc("week", "worked_on") }} as date) as week_on,
            min(score) as lowest_score
        from first_attempts
        where mql_at <= attempt_at
        group by owner_id, worked_on
    ),

    waiting as (
        select
            handoffs.handoff_id,
            handoffs.owner_id,
            scores.score,
            case
                when handoffs.assigned_at > handoffs.mql_at then handoffs.assigned_at else handoffs.mql_at
            end as waiting_since,
            case
                when facts.closed_at < facts.first_attempt_at
                then facts.closed_at
                else coalesce(facts.first_attempt_at, facts.closed_at, {{ as_of() }})
            end as waited_until
        from handoffs
        inner join scores on handoffs.handoff_id = scores.handoff_id
        inner join facts on handoffs.handoff_id = facts.handoff_id
    ),

    -- One row for each week it waited in: joined by week, so that no owner's history is compared with itself.
    waiting_weeks as (
        select
            waiting.*,
            cast(
                {{
                    dbt.dateadd(
                        "day",
                        "cast(7 * (week_numbers.generated_number - 1) as integer)",
                        dbt.date_trunc("week", "waiting.waiting_since"),
                    )
                }} as date
            ) as week_on
        from waiting
        inner join
            week_numbers
            on {{
                dbt.dateadd(
                    "day",
                    "cast(7 * (week_numbers.generated_number - 1) as integer)",
                    dbt.date_trunc("week", "waiting.waiting_since"),
                )
            }} <= waiting.waited_until
    ),

    passed_over as (
        select days.owner_id, days.week_on, count(distinct waiting_weeks.handoff_id) as left_waiting
        from days
        inner join
            waiting_weeks
            on days.owner_id = waiting_weeks.owner_id
            and days.week_on = waiting_weeks.week_on
            and waiting_weeks.score > days.lowest_score
            and waiting_weeks.waiting_since < cast(days.worked_on as timestamp)
            and waiting_weeks.waited_until >= {{ dbt.dateadd("day", 1, "cast(days.worked_on as timestamp)") }}
        group by days.owner_id, days.week_on
    ),

    final as (
        select
            firsts.owner_id,
            firsts.week_on,
            cast(firsts.leads_tried as bigint) as leads_tried,
            cast(coalesce(weeks.pairs, 0) as bigint) as pairs,
            cast(coalesce(weeks.inversions, 0) as bigint) as inversions,
            cast(weeks.inversions / nullif(cast(weeks.pairs as double), 0) as decimal(9, 6)) as inversion_share,
            -- Kendall's tau-a over those pairs: 1 = strictly by score, -1 = strictly against it.
            cast(
                (weeks.in_order - weeks.inversions) / nullif(cast(weeks.pairs as double), 0) as decimal(9, 6)
            ) as kendall_tau,
            cast(firsts.not_compared as bigint) as not_compared,
            cast(coalesce(passed_over.left_waiting, 0) as bigint) as left_waiting
        from firsts
        left join weeks on firsts.owner_id = weeks.owner_id and firsts.week_on = weeks.week_on
        left join passed_over on firsts.owner_id = passed_over.owner_id and firsts.week_on = passed_over.week_on
    )

select *
from final
