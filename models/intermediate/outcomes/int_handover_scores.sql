-- The score a lead had when it was handed over, from what had happened by then. The buckets of earlier days, and that
-- day's
-- where nothing in it is later than the hand-over: no later event can make an old score look wiser than it was. Fit
-- is taken
-- as known now.
with
    handoffs as (select * from {{ ref("int_handoffs") }}),

    sums as (select contact_id, fit_score from {{ ref("int_contact_score_sums") }}),

    buckets as (select * from {{ ref("int_engagement_buckets") }}),

    signals as (select * from {{ ref("engagement_signals") }}),

    bands as (select * from {{ ref("score_bands") }} where entity = 'contact'),

    matrix as (select * from {{ ref("grade_matrix") }} where entity = 'contact'),

    signal_scores as (
        select
            handoffs.handoff_id,
            buckets.signal_id,
            cast(
                sum(
                    {{
                        decay(
                            "buckets.bucket_points",
                            days_between("buckets.day_on", "handoffs.mql_at"),
                            "signals.half_life_days",
                        )
                    }}
                ) as decimal(18, 9)
            ) as decayed_points,
            max(signals.cap) as cap
        from handoffs
        inner join buckets on handoffs.contact_id = buckets.contact_id
        inner join signals on buckets.signal_id = signals.signal_id
        where
            buckets.day_on <= cast(handoffs.mql_at as date)
            and (buckets.day_on < cast(handoffs.mql_at as date) or buckets.last_event_at <= handoffs.mql_at)
        group by handoffs.handoff_id, buckets.signal_id
    ),

    engagement as (
        select handoff_id, sum(cast({{ clip_to_cap("decayed_points", "cap") }} as decimal(18, 9))) as engagement_score
        from signal_scores
        group by handoff_id
    ),

    scored as (
        select
            handoffs.handoff_id,
            handoffs.contact_id,
            handoffs.mql_at,
            cast(coalesce(sums.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(coalesce(engagement.engagement_score, 0) as decimal(18, 6)) as engagement_score
        from handoffs
        left join sums on handoffs.contact_id = sums.contact_id
        left join engagement on handoffs.handoff_id = engagement.handoff_id
    ),

    final as (
        select
            scored.handoff_id,
            scored.contact_id,
            scored.mql_at,
            scored.fit_score,
            scored.engagement_score,
            cast(scored.fit_score + scored.engagement_score as decimal(18, 6)) as score,
            fit_bands.band as fit_band,
            engagement_bands.band as engagement_band,
            matrix.grade
        from scored
        inner join bands as fit_bands on fit_bands.dimension = 'fit' and {{ in_band("scored.fit_score", "fit_bands") }}
        inner join
            bands as engagement_bands
            on engagement_bands.dimension = 'engagement'
            and {{ in_band("scored.engagement_score", "engagement_bands") }}
        inner join matrix on fit_bands.band = matrix.fit_band and engagement_bands.band = matrix.engagement_band
    )

select *
from final
