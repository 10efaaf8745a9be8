{#
    The first active day on which a contact met an agreed line of fit and engagement, computed from the daily buckets, so
    that it is the same whatever day it is computed on. Fit is taken as known now. A line can only be crossed by an event,
    so it is enough to look at the moment of each active day's last event.
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
        select buckets.* from buckets where buckets.contact_id in (select contact_id from candidates)
    ),

    moments as (
        select contact_id, day_on, max(last_event_at) as moment_at from candidate_buckets group by contact_id, day_on
    ),

    signal_scores as (
        select
            moments.contact_id,
            moments.moment_at,
            candidate_buckets.signal_id,
            cast(
                sum(
                    {{
                        decay(
                            "candidate_buckets.bucket_points",
                            days_between("candidate_buckets.day_on", "moments.moment_at"),
                            "signals.half_life_days",
                        )
                    }}
                ) as decimal(18, 9)
            ) as decayed_points,
            max(signals.cap) as cap
        from moments
        inner join
            candidate_buckets
            on moments.contact_id = candidate_buckets.contact_id
            and moments.day_on >= candidate_buckets.day_on
        inner join signals on candidate_buckets.signal_id = signals.signal_id
        group by moments.contact_id, moments.moment_at, candidate_buckets.signal_id
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
