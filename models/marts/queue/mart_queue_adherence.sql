-- Whether higher scores were worked first (R58): of every two leads that an owner first tried on one day, which came
-- first.
-- Pairs within one owner and day only, so that the number of pairs stays small; leads handed over after the other was
-- tried could not have come first and make no pair.
with
    handoffs as (select * from {{ ref("fct_handoffs") }}),

    scores as (select handoff_id, score from {{ ref("int_handover_scores") }}),

    first_attempts as (
        select
            attempts.owner_id,
            attempts.handoff_id,
            attempts.attempt_at,
            cast(attempts.attempt_at as date) as worked_on,
            handoffs.mql_at,
            scores.score
        from {{ ref("fct_attempts") }} as attempts
        inner join handoffs on attempts.handoff_id = handoffs.handoff_id
        inner join scores on attempts.handoff_id = scores.handoff_id
        where attempts.attempt_number = 1 and attempts.owner_id is not null
    ),

    pairs as (
        select
            earlier.owner_id,
            earlier.worked_on,
            case
                when earlier.score > later.score then 1 when earlier.score < later.score then -1 else 0
            end as agreement
        from first_attempts as earlier
        inner join
            first_attempts as later
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
        select owner_id, cast({{ dbt.date_trunc("week", "worked_on") }} as date) as week_on, count(*) as leads_tried
        from first_attempts
        group by owner_id, cast({{ dbt.date_trunc("week", "worked_on") }} as date)
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
            ) as kendall_tau
        from firsts
        left join weeks on firsts.owner_id = weeks.owner_id and firsts.week_on = weeks.week_on
    )

select *
from final
