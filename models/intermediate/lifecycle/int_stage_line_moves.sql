{#
    When a contact came to meet an agreed line of fit and engagement, and when it ceased to: with hysteresis. It enters
    at the last event of an active day if the score then meets the line; it leaves when a number of whole days have ended,
    on each of which the score was below the lower of the line's two values. Computed from the daily buckets, so that it is
    the same whatever day it is computed on. Fit is taken as known now.

    Cost: linear in the days of contacts that could meet a line at all. A running sum of points, each weighted by 2 to the
    days since a fixed day in half-lives, gives every day's score by one factor; it starts anew after so many half-lives
    that doubles suffice, with what is left carried over. Neither kind of moment depends on where the contact stands, so
    the sequence needs no walk: of moments of one kind in a row only the first is a move.
#}
{%- set block_half_lives = 400 -%}
{%- set day_number -%}{{ dbt.datediff("cast('2000-01-03' as date)", "day_on", "day") }}{%- endset -%}

with
    buckets as (select * from {{ ref("int_engagement_buckets") }}),
    signals as (select * from {{ ref("engagement_signals") }}),

    -- Whoever is excluded, a competitor say, meets no line however engaged.
    sums as (
        select contact_id, fit_score
        from {{ ref("int_contact_score_sums") }}
        where contact_id not in (select contact_id from {{ ref("int_contact_exclusions") }})
    ),

    lines as (select * from {{ ref("stage_thresholds") }}),
    engagement as (select * from {{ ref("int_contact_engagement") }}),

    today as (
        select
            {{ dbt.datediff("cast('2000-01-03' as date)", "cast(" ~ as_of() ~ " as date)", "day") }} as day_number,
            {{ as_of() }} as as_of_at
    ),

    -- An upper bound, before any decay: whoever stays below it can never have met the line.
    reach as (
        select contact_id, sum(greatest({{ clip_to_cap("raw_points", "cap") }}, 0)) as most_points
        from engagement
        group by contact_id
    ),

    candidates as (
        select
            sums.contact_id,
            sums.fit_score,
            lines.line_id,
            lines.stage,
            lines.min_engagement_score,
            lines.leave_engagement_score,
            lines.leave_after_days
        from sums
        inner join reach on sums.contact_id = reach.contact_id
        inner join lines on sums.fit_score >= lines.min_fit_score and reach.most_points >= lines.min_engagement_score
    ),

    lowest_lines as (select contact_id, min(min_engagement_score) as least_points from candidates group by contact_id),

    candidate_buckets as (
        select
            buckets.contact_id,
            buckets.signal_id,
            {{ day_number }} as day_number,
            buckets.bucket_points,
            buckets.raw_points,
            buckets.last_event_at,
            signals.half_life_days,
            signals.cap,
            cast(ceiling(signals.half_life_days * {{ block_half_lives }}) as integer) as block_days
        from buckets
        inner join signals on buckets.signal_id = signals.signal_id
        where buckets.contact_id in (select contact_id from lowest_lines)
    ),

    active_days as (
        select
            contact_id,
            day_number,
            max(last_event_at) as moment_at,
            sum(case when raw_points > 0 then raw_points else 0 end) as points_gained
        from candidate_buckets
        group by contact_id, day_number
    ),

    points_so_far as (
        select
            contact_id,
            day_number,
            sum(points_gained) over (
                partition by contact_id order by day_number rows between unbounded preceding and current row
            ) as most_points
        from active_days
    ),

    -- Before its first possible day nothing of a contact matters.
    first_days as (
        select points_so_far.contact_id, min(points_so_far.day_number) as first_day
        from points_so_far
        inner join lowest_lines on points_so_far.contact_id = lowest_lines.contact_id
        where points_so_far.most_points >= lowest_lines.least_points
        group by points_so_far.contact_id
    ),

    in_blocks as (
        select *, coalesce(cast(floor(day_number / cast(block_days as double)) as integer), 0) as block_number
        from candidate_buckets
        where contact_id in (select contact_id from first_days)
    ),

    weighted as (
        select
            contact_id,
            signal_id,
            half_life_days,
            cap,
            block_days,
            block_number,
            day_number,
            cast(bucket_points as double) * coalesce(
                power(cast(2 as double), (day_number - block_number * block_days) / cast(half_life_days as double)), 1
            ) as weight
        from in_blocks
    ),

    -- What a block leaves to the next one; what is older than that has faded to nothing.
    carried as (
        select
            contact_id,
            signal_id,
            half_life_days,
            cap,
            block_days,
            block_number + 1 as block_number,
            (block_number + 1) * block_days as day_number,
            sum(weight) * power(cast(2 as double), - block_days / cast(half_life_days as double)) as weight
        from weighted
        where block_days is not null and (block_number + 1) * block_days <= (select day_number from today)
        group by contact_id, signal_id, half_life_days, cap, block_days, block_number
    ),

    weights as (
        select contact_id, signal_id, half_life_days, cap, block_days, block_number, day_number, sum(weight) as weight
        from
            (
                select *
                from weighted
                union all
                select *
                from carried
            ) as of_both
        group by contact_id, signal_id, half_life_days, cap, block_days, block_number, day_number
    ),

    running as (
        select
            contact_id,
            signal_id,
            half_life_days,
            cap,
            day_number,
            coalesce(block_number * block_days, 0) as block_start,
            sum(weight) over (
                partition by contact_id, signal_id, block_number
                order by day_number
                rows between unbounded preceding and current row
            ) as running_weight,
            lead(day_number) over (partition by contact_id, signal_id order by day_number) as next_day
        from weights
    ),

    -- Each running sum holds until the next bucket of its signal; the last one until today.
    stretches as (
        select
            running.contact_id,
            running.signal_id,
            running.half_life_days,
            running.cap,
            running.block_start,
            running.running_weight,
            greatest(running.day_number, first_days.first_day) as from_day,
            coalesce(running.next_day, today.day_number + 1)
            - greatest(running.day_number, first_days.first_day) as days
        from running
        inner join first_days on running.contact_id = first_days.contact_id
        cross join today
    ),

    digits as (
        {% for digit in range(10) %}
            select {{ digit }} as digit
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    offsets as (
        select
            ones.digit
            + 10 * tens.digit
            + 100 * hundreds.digit
            + 1000 * thousands.digit
            + 10000 * myriads.digit as day_offset
        from digits as ones
        cross join digits as tens
        cross join digits as hundreds
        cross join digits as thousands
        cross join digits as myriads
    ),

    -- No more of them than the longest stretch has days: they meet the stretches by an inequality.
    needed_offsets as (select day_offset from offsets where day_offset < (select max(days) from stretches)),

    signal_days as (
        select
            stretches.contact_id,
            stretches.signal_id,
            stretches.half_life_days,
            stretches.cap,
            stretches.block_start,
            stretches.running_weight,
            stretches.from_day + needed_offsets.day_offset as day_number
        from stretches
        inner join needed_offsets on needed_offsets.day_offset < stretches.days
    ),

    decayed as (
        select
            signal_days.contact_id,
            signal_days.day_number,
            signal_days.cap,
            active_days.moment_at,
            {{
                decay(
                    "signal_days.running_weight",
                    "signal_days.day_number - signal_days.block_start + 1",
                    "signal_days.half_life_days",
                )
            }} as points_at_end,
            case
                when active_days.moment_at is not null
                then
                    {{
                        decay(
                            "signal_days.running_weight",
                            "signal_days.day_number - signal_days.block_start + "
                            ~ days_between("cast(active_days.moment_at as date)", "active_days.moment_at"),
                            "signal_days.half_life_days",
                        )
                    }}
            end as points_at_moment
        from signal_days
        left join
            active_days
            on signal_days.contact_id = active_days.contact_id
            and signal_days.day_number = active_days.day_number
    ),

    scores as (
        select
            contact_id,
            day_number,
            max(moment_at) as moment_at,
            cast(
                sum(cast({{ clip_to_cap("points_at_end", "cap") }} as decimal(18, 9))) as decimal(18, 6)
            ) as score_at_end,
            cast(
                sum(cast({{ clip_to_cap("points_at_moment", "cap") }} as decimal(18, 9))) as decimal(18, 6)
            ) as score_at_moment
        from decayed
        group by contact_id, day_number
    ),

    entries as (
        select
            candidates.contact_id,
            candidates.line_id,
            'entered' as movement,
            scores.moment_at as moved_at,
            scores.score_at_moment as engagement_score,
            cast(null as integer) as below_since_day
        from candidates
        inner join
            scores
            on candidates.contact_id = scores.contact_id
            and scores.score_at_moment >= candidates.min_engagement_score
    ),

    -- Days that end a run of days below; a line without a lower value is never left.
    days_not_below as (
        select
            candidates.contact_id,
            candidates.line_id,
            candidates.leave_after_days,
            scores.day_number,
            lead(scores.day_number) over (
                partition by candidates.contact_id, candidates.line_id order by scores.day_number
            ) as next_day
        from candidates
        inner join scores on candidates.contact_id = scores.contact_id
        where
            candidates.leave_engagement_score is not null
            and greatest(scores.score_at_end, coalesce(scores.score_at_moment, scores.score_at_end))
            >= candidates.leave_engagement_score
    ),

    -- Today has not ended: it does not count.
    departures as (
        select
            days_not_below.contact_id,
            days_not_below.line_id,
            days_not_below.day_number + 1 as below_since_day,
            days_not_below.day_number + days_not_below.leave_after_days as last_day
        from days_not_below
        cross join today
        where
            coalesce(days_not_below.next_day, today.day_number) - days_not_below.day_number
            > days_not_below.leave_after_days
    ),

    moments as (
        select contact_id, line_id, movement, moved_at, engagement_score, below_since_day, 2 as order_at_a_moment
        from entries
        union all
        select
            departures.contact_id,
            departures.line_id,
            'left' as movement,
            cast(
                {{ dbt.dateadd("day", "cast(departures.last_day + 1 as integer)", "cast('2000-01-03' as timestamp)") }}
                as timestamp
            ) as moved_at,
            scores.score_at_end as engagement_score,
            cast(departures.below_since_day as integer) as below_since_day,
            1 as order_at_a_moment
        from departures
        inner join scores on departures.contact_id = scores.contact_id and departures.last_day = scores.day_number
    ),

    in_order as (
        select
            *,
            lag(movement) over (
                partition by contact_id, line_id order by moved_at, order_at_a_moment
            ) as movement_before
        from moments
    ),

    moves as (
        select *, case when movement = 'entered' then 1 else -1 end as change
        from in_order
        where movement != coalesce(movement_before, 'left')
    ),

    final as (
        select
            moves.contact_id,
            moves.line_id,
            candidates.stage,
            cast(
                row_number() over (
                    partition by moves.contact_id, moves.line_id order by moves.moved_at, moves.order_at_a_moment
                ) as integer
            ) as move_number,
            moves.movement,
            moves.moved_at,
            candidates.fit_score,
            moves.engagement_score,
            cast(
                {{ dbt.dateadd("day", "moves.below_since_day", "cast('2000-01-03' as timestamp)") }} as date
            ) as below_since_on,
            candidates.leave_engagement_score,
            -- Who leaves one line at the moment of entering another has not left the stage.
            cast(
                sum(moves.change) over (
                    partition by moves.contact_id, candidates.stage
                    order by moves.moved_at, moves.order_at_a_moment desc, moves.line_id
                    rows between unbounded preceding and current row
                ) as integer
            ) as lines_held
        from moves
        inner join candidates on moves.contact_id = candidates.contact_id and moves.line_id = candidates.line_id
    )

select *
from final
