with
    buckets as (select * from {{ ref("int_engagement_buckets") }}),
    signals as (select * from {{ ref("engagement_signals") }}),

    -- The sum of DECIMAL(18) is a DECIMAL(38); going back at the same scale is free, changing scale there is not.
    decayed as (
        select
            buckets.contact_id,
            buckets.signal_id,
            cast(sum(buckets.raw_points) as decimal(18, 6)) as raw_points,
            cast(
                sum(
                    {{
                        decay(
                            "buckets.bucket_points", days_between("buckets.day_on", as_of()), "signals.half_life_days"
                        )
                    }}
                ) as decimal(18, 9)
            ) as decayed_points,
            cast(sum(buckets.event_count) as bigint) as evidence_count,
            max(case when buckets.event_count > 0 then buckets.last_event_at end) as last_evidence_at
        from buckets
        inner join signals on buckets.signal_id = signals.signal_id
        group by buckets.contact_id, buckets.signal_id
    ),

    rounded as (
        select
            contact_id,
            signal_id,
            raw_points,
            cast(decayed_points as decimal(18, 6)) as decayed_points,
            evidence_count,
            last_evidence_at
        from decayed
    ),

    capped as (
        select
            rounded.*,
            signals.score_kind,
            signals.cap,
            cast({{ clip_to_cap("rounded.decayed_points", "signals.cap") }} as decimal(18, 6)) as capped_points
        from rounded
        inner join signals on rounded.signal_id = signals.signal_id
    ),

    final as (
        select
            contact_id,
            signal_id,
            score_kind,
            raw_points,
            decayed_points,
            -- What the cap takes off (or gives back, for a negative signal).
            cast(capped_points - decayed_points as decimal(18, 6)) as cap_points,
            cap,
            evidence_count,
            last_evidence_at
        from capped
    )

select *
from final
