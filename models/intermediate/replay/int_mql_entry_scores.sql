-- Scores as they stood when a contact became an MQL: what a back-test may rank by, because nothing later is in them.
with
    transitions as (select * from {{ ref("fct_stage_transitions") }} where to_stage = 'mql'),
    buckets as (select * from {{ ref("int_engagement_buckets") }}),
    signals as (select * from {{ ref("engagement_signals") }}),
    sums as (select contact_id, fit_score from {{ ref("int_contact_score_sums") }}),

    -- On the day of the entry itself only what had ended by then: its bucket holds the later hours too.
    buckets_before as (
        select
            transitions.contact_id,
            transitions.transition_number,
            transitions.transition_at,
            buckets.signal_id,
            buckets.day_on,
            buckets.bucket_points
        from transitions
        inner join
            buckets
            on transitions.contact_id = buckets.contact_id
            and buckets.day_on <= cast(transitions.transition_at as date)
            and buckets.last_event_at <= transitions.transition_at
    ),

    signal_scores as (
        select
            buckets_before.contact_id,
            buckets_before.transition_number,
            signals.signal_id,
            signals.cap,
            cast(
                sum(
                    {{
                        decay(
                            "buckets_before.bucket_points",
                            days_between("buckets_before.day_on", "buckets_before.transition_at"),
                            "signals.half_life_days",
                        )
                    }}
                ) as decimal(18, 6)
            ) as decayed_points
        from buckets_before
        inner join signals on buckets_before.signal_id = signals.signal_id
        group by buckets_before.contact_id, buckets_before.transition_number, signals.signal_id, signals.cap
    ),

    engagement as (
        select
            contact_id,
            transition_number,
            cast(sum({{ clip_to_cap("decayed_points", "cap") }}) as decimal(18, 6)) as engagement_score
        from signal_scores
        group by contact_id, transition_number
    ),

    final as (
        select
            transitions.contact_id,
            transitions.account_id,
            transitions.transition_number,
            transitions.transition_at as entered_at,
            cast(coalesce(sums.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(coalesce(engagement.engagement_score, 0) as decimal(18, 6)) as engagement_score,
            cast(coalesce(sums.fit_score, 0) + coalesce(engagement.engagement_score, 0) as decimal(18, 6)) as score
        from transitions
        left join sums on transitions.contact_id = sums.contact_id
        left join
            engagement
            on transitions.contact_id = engagement.contact_id
            and transitions.transition_number = engagement.transition_number
    )

select *
from final
