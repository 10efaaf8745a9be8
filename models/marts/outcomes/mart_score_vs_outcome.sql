-- Whether higher scores came to more. Points are no probabilities, so that what is measured is order: rates by
-- decile, the
-- area under the curve, and what would have been met by working the highest scores of each week first.
with
    scores as (select * from {{ ref("int_handover_scores") }}),

    outcomes as (select * from {{ ref("int_handover_outcomes") }}),

    handovers as (
        select
            scores.handoff_id,
            scores.score,
            scores.grade,
            outcomes.outcome,
            case when outcomes.outcome in ('accepted', 'not_accepted') then 1 else 0 end as judged,
            case when outcomes.outcome = 'accepted' then 1 else 0 end as accepted,
            case
                when outcomes.outcome in ('accepted', 'not_accepted') and outcomes.has_opportunity then 1 else 0
            end as with_opportunity,
            case when outcomes.outcome in ('accepted', 'not_accepted') and outcomes.is_won then 1 else 0 end as won,
            ntile(10) over (order by scores.score desc, scores.handoff_id) as decile,
            row_number() over (
                partition by {{ dbt.date_trunc("week", "scores.mql_at") }} order by scores.score desc, scores.handoff_id
            ) as place_in_week
        from scores
        inner join outcomes on scores.handoff_id = outcomes.handoff_id
    ),

    -- Midranks: equal scores share their place.
    ranked as (
        select
            *,
            rank() over (order by score) + (count(*) over (partition by score) - 1) / cast(2 as decimal(3, 1)) as place
        from handovers
        where judged = 1
    ),

    areas as (
        select
            case
                when sum(accepted) > 0 and sum(1 - accepted) > 0
                then
                    (
                        cast(sum(case when accepted = 1 then place end) as double)
                        - cast(sum(accepted) as double) * (sum(accepted) + 1) / 2
                    )
                    / (cast(sum(accepted) as double) * sum(1 - accepted))
            end as accepted_auc,
            case
                when sum(won) > 0 and sum(1 - won) > 0
                then
                    (
                        cast(sum(case when won = 1 then place end) as double)
                        - cast(sum(won) as double) * (sum(won) + 1) / 2
                    )
                    / (cast(sum(won) as double) * sum(1 - won))
            end as won_auc
        from ranked
    ),

    grouped as (
        select 'all' as dimension, 'all' as value, handovers.*
        from handovers
        union all
        select 'decile' as dimension, cast(decile as {{ dbt.type_string() }}) as value, handovers.*
        from handovers
        union all
        select 'grade' as dimension, grade as value, handovers.*
        from handovers
        union all
        select
            'capacity' as dimension,
            case
                when
                    place_in_week * {{ setting("calls_per_mql", "capacity") }}
                    <= {{ setting("callers", "capacity") }} * {{ setting("calls_per_caller_and_week", "capacity") }}
                then 'within'
                else 'beyond'
            end as value,
            handovers.*
        from handovers
    ),

    counted as (
        select
            dimension,
            value,
            count(*) as handovers,
            sum(case when outcome = 'not_worked' then 1 else 0 end) as not_worked,
            sum(case when outcome = 'open' then 1 else 0 end) as still_open,
            sum(judged) as judged,
            sum(accepted) as accepted,
            sum(with_opportunity) as with_opportunity,
            sum(won) as won,
            min(score) as score_min,
            max(score) as score_max
        from grouped
        group by dimension, value
    ),

    totals as (select judged, accepted, won from counted where dimension = 'all'),

    final as (
        select
            counted.dimension,
            counted.value,
            cast(counted.handovers as bigint) as handovers,
            cast(counted.not_worked as bigint) as not_worked,
            cast(counted.still_open as bigint) as still_open,
            cast(counted.judged as bigint) as judged,
            cast(counted.score_min as decimal(18, 6)) as score_min,
            cast(counted.score_max as decimal(18, 6)) as score_max,
            cast(counted.accepted as bigint) as accepted,
            cast(100.0 * counted.accepted / nullif(counted.judged, 0) as decimal(7, 3)) as accepted_pct,
            cast(
                100 * {{ wilson_interval("counted.accepted", "counted.judged", "lo") }} as decimal(7, 3)
            ) as accepted_lo_pct,
            cast(
                100 * {{ wilson_interval("counted.accepted", "counted.judged", "hi") }} as decimal(7, 3)
            ) as accepted_hi_pct,
            cast(
                cast(counted.accepted as double)
                * totals.judged
                / nullif(cast(totals.accepted as double) * counted.judged, 0) as decimal(12, 4)
            ) as accepted_lift,
            cast(counted.with_opportunity as bigint) as with_opportunity,
            cast(100.0 * counted.with_opportunity / nullif(counted.judged, 0) as decimal(7, 3)) as opportunity_pct,
            cast(counted.won as bigint) as won,
            cast(100.0 * counted.won / nullif(counted.judged, 0) as decimal(7, 3)) as won_pct,
            cast(100 * {{ wilson_interval("counted.won", "counted.judged", "lo") }} as decimal(7, 3)) as won_lo_pct,
            cast(100 * {{ wilson_interval("counted.won", "counted.judged", "hi") }} as decimal(7, 3)) as won_hi_pct,
            cast(
                cast(counted.won as double)
                * totals.judged
                / nullif(cast(totals.won as double) * counted.judged, 0) as decimal(12, 4)
            ) as won_lift,
            cast(
                {{ lift_interval("counted.won", "totals.won", "counted.judged", "totals.judged", "lo") }} as decimal(
                    12, 4
                )
            ) as won_lift_lo,
            cast(
                {{ lift_interval("counted.won", "totals.won", "counted.judged", "totals.judged", "hi") }} as decimal(
                    12, 4
                )
            ) as won_lift_hi,
            counted.judged >= {{ setting("outcome_min_n", "outcome_settings") }} as is_enough,
            cast(case when counted.dimension = 'all' then areas.accepted_auc end as decimal(6, 4)) as accepted_auc,
            cast(case when counted.dimension = 'all' then areas.won_auc end as decimal(6, 4)) as won_auc,
            {{ as_of() }} as as_of_at
        from counted
        cross join totals
        cross join areas
    )

select *
from final
