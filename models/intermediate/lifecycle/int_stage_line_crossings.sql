{#
    The first active day on which a contact met an agreed line of fit and engagement, computed from the daily buckets, so
    that it is the same whatever day it is computed on. Fit is taken as known now. A line can only be crossed by an event,
    so it is enough to look at the moment of each active day's last event.

    The score of every moment needs every bucket before it: quadratic in a contact's active days. So the walk ends where a
    cheap lower bound (positive points of this week and the last, and every negative point ever, undecayed) already meets
    the line; who visits every day meets it early.
#}
with
    buckets as (select * from {{ ref("int_engagement_buckets") }}),
    signals as (select * from {{ ref("engagement_signals") }}),
    sums as (select contact_id, fit_score from {{ ref("int_contact_score_sums") }}),
    lines as (select * from {{ ref("stage_thresholds") }}),
    engagement as (select * from {{ ref("int_contact_engagement") }}),

    -- An upper bound, before any decay: whoever stays below it can never have crossed the line.
    reach as (
        select contact_id, sum(greatest({{ clip_to_cap("raw_points", "cap") }}, 0)) as most_points
        from engagement
        group by contact_id
    ),

    candidates as (
        select sums.contact_id, lines.line_id, lines.stage, lines.min_engagement_score, sums.fit_score
        from sums
        inner join reach on sums.contact_id = reach.contact_id
        inner join lines on sums.fit_score >= lines.min_fit_score and reach.most_points >= lines.min_engagement_score
    ),

    candidate_buckets as (
        select
            buckets.contact_id,
            buckets.signal_id,
            buckets.day_on,
            cast(
                floor({{ dbt.datediff("cast('2000-01-03' as date)", "buckets.day_on", "day") }} / 7.0) as integer
            ) as week,
            buckets.bucket_points,
            buckets.raw_points,
            buckets.last_event_at,
            signals.half_life_days,
            signals.cap
        from buckets
        inner join signals on buckets.signal_id = signals.signal_id
        where buckets.contact_id in (select contact_id from candidates)
    ),

    active_days as (
        select
            contact_id,
            day_on,
            week,
            max(last_event_at) as moment_at,
            sum(case when raw_points < 0 then raw_points else 0 end) as negative_points
        from candidate_buckets
        group by contact_id, day_on, week
    ),

    moments as (
        select
            contact_id,
            day_on,
            week,
            moment_at,
            sum(negative_points) over (
                partition by contact_id order by day_on rows between unbounded preceding and current row
            ) as negative_points_ever
        from active_days
    ),

    -- Each positive bucket stands in its own week and in the next, so that equality finds both.
    recent_buckets as (
        select contact_id, signal_id, day_on, week, bucket_points, half_life_days, cap
        from candidate_buckets
        where bucket_points > 0
        union all
        select contact_id, signal_id, day_on, week + 1 as week, bucket_points, half_life_days, cap
        from candidate_buckets
        where bucket_points > 0
    ),

    recent_signal_scores as (
        select
            moments.contact_id,
            moments.day_on,
            recent_buckets.signal_id,
            max(moments.negative_points_ever) as negative_points_ever,
            cast(
                sum(
                    {{
                        decay(
                            "recent_buckets.bucket_points",
                            days_between("recent_buckets.day_on", "moments.moment_at"),
                            "recent_buckets.half_life_days",
                        )
                    }}
                ) as decimal(18, 9)
            ) as decayed_points,
            max(recent_buckets.cap) as cap
        from moments
        inner join
            recent_buckets
            on moments.contact_id = recent_buckets.contact_id
            and moments.week = recent_buckets.week
            and moments.day_on >= recent_buckets.day_on
        group by moments.contact_id, moments.day_on, recent_buckets.signal_id
    ),

    lower_bounds as (
        select
            contact_id,
            day_on,
            sum({{ clip_to_cap("decayed_points", "cap") }}) + max(negative_points_ever) as least_points
        from recent_signal_scores
        group by contact_id, day_on
    ),

    certain_days as (
        select candidates.contact_id, candidates.line_id, min(lower_bounds.day_on) as day_on
        from candidates
        left join
            lower_bounds
            on candidates.contact_id = lower_bounds.contact_id
            and lower_bounds.least_points >= candidates.min_engagement_score
        group by candidates.contact_id, candidates.line_id
    ),

    -- The walk of a contact ends when all its lines are certain.
    last_days as (
        select contact_id, max(coalesce(day_on, cast('9999-12-31' as date))) as day_on
        from certain_days
        group by contact_id
    ),

    walked_moments as (
        select moments.contact_id, moments.day_on, moments.moment_at
        from moments
        inner join last_days on moments.contact_id = last_days.contact_id and moments.day_on <= last_days.day_on
    ),

    walked_buckets as (
        select candidate_buckets.*
        from candidate_buckets
        inner join
            last_days
            on candidate_buckets.contact_id = last_days.contact_id
            and candidate_buckets.day_on <= last_days.day_on
    ),

    signal_scores as (
        select
            walked_moments.contact_id,
            walked_moments.moment_at,
            walked_buckets.signal_id,
            cast(
                sum(
                    {{
                        decay(
                            "walked_buckets.bucket_points",
                            days_between("walked_buckets.day_on", "walked_moments.moment_at"),
                            "walked_buckets.half_life_days",
                        )
                    }}
                ) as decimal(18, 9)
            ) as decayed_points,
            max(walked_buckets.cap) as cap
        from walked_moments
        inner join
            walked_buckets
            on walked_moments.contact_id = walked_buckets.contact_id
            and walked_moments.day_on >= walked_buckets.day_on
        group by walked_moments.contact_id, walked_moments.moment_at, walked_buckets.signal_id
    ),

    scores as (
        select
            contact_id,
            moment_at,
            cast(
                sum(cast({{ clip_to_cap("decayed_points", "cap") }} as decimal(18, 9))) as decimal(18, 9)
            ) as engagement_score
        from signal_scores
        group by contact_id, moment_at
    ),

    crossings as (
        select
            candidates.contact_id,
            candidates.line_id,
            candidates.stage,
            candidates.fit_score,
            cast(scores.engagement_score as decimal(18, 6)) as engagement_score,
            scores.moment_at as crossed_at,
            row_number() over (
                partition by candidates.contact_id, candidates.line_id order by scores.moment_at
            ) as crossing_number
        from candidates
        inner join
            scores
            on candidates.contact_id = scores.contact_id
            and scores.engagement_score >= candidates.min_engagement_score
    ),

    final as (
        select contact_id, line_id, stage, fit_score, engagement_score, crossed_at
        from crossings
        where crossing_number = 1
    )

select *
from final
