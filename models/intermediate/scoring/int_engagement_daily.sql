{#
    Incremental by day, and always equal to a full refresh: a day whose events or rules changed in any way (late events, an
    anonymous visitor who became known, merged contacts, changed points) has another fingerprint; the hook deletes it and
    the query below writes it anew. Days that vanished are deleted too. Only the days to write are matched with signals.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="fail",
        pre_hook="{{ delete_changed_days() }}",
    )
}}

with
    inputs as (
        select *
        from {{ ref("int_engagement_inputs") }}
        {% if is_incremental() %} where day_on not in (select day_on from {{ this }}){% endif %}
    ),

    events as ({{ match_signals("inputs") }}),

    -- The points of a day are carried back to its start, so that one factor per day decays them all.
    buckets as (
        select
            contact_id,
            signal_id,
            day_on,
            sum(
                {{ decay("event_points", "-" ~ days_between("day_on", "event_at"), "half_life_days") }}
            ) as bucket_points,
            sum(event_points) as raw_points,
            count(*) as event_count,
            max(event_at) as last_event_at
        from events
        group by contact_id, signal_id, day_on
    ),

    fingerprints as ({{ engagement_day_fingerprints(ref("int_engagement_inputs")) }}),

    final as (
        select
            buckets.contact_id,
            buckets.signal_id,
            buckets.day_on,
            cast(buckets.bucket_points as decimal(18, 9)) as bucket_points,
            cast(buckets.raw_points as decimal(18, 6)) as raw_points,
            buckets.event_count,
            buckets.last_event_at,
            fingerprints.day_fingerprint
        from buckets
        inner join fingerprints on buckets.day_on = fingerprints.day_on
    )

select *
from final
