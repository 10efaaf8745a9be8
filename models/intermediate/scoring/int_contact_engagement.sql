with
    buckets as (select * from {{ ref("int_engagement_buckets") }}),
    signals as (select * from {{ ref("engagement_signals") }}),

    decayed as (
        select
            buckets.contact_id,
            buckets.signal_id,
            sum(buckets.raw_points) as raw_points,
            sum(
                {{ decay("buckets.bucket_points", days_between("buckets.day_on", as_of()), "signals.half_life_days") }}
            ) as decayed_points,
            sum(buckets.event_count) as evidence_count,
            max(buckets.last_event_at) as last_evidence_at
        from buckets
        inner join signals on buckets.signal_id = signals.signal_id
        group by buckets.contact_id, buckets.signal_id
    ),

    final as (
        select
            decayed.contact_id,
            decayed.signal_id,
            signals.score_kind,
            cast(decayed.raw_points as decimal(28, 6)) as raw_points,
            cast(decayed.decayed_points as decimal(18, 6)) as decayed_points,
            -- What the cap takes off (or gives back, for a negative signal).
            cast({{ clip_to_cap("decayed.decayed_points", "signals.cap") }} as decimal(18, 6))
            - cast(decayed.decayed_points as decimal(18, 6)) as cap_points,
            signals.cap,
            cast(decayed.evidence_count as bigint) as evidence_count,
            decayed.last_evidence_at
        from decayed
        inner join signals on decayed.signal_id = signals.signal_id
    )

select *
from final
