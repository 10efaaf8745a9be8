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

    buckets as ({{ fold_engagement_days("events") }}),

    -- Of the days to write only: `inputs` holds whole days.
    fingerprints as ({{ engagement_day_fingerprints("inputs") }}),

    final as (
        select
            buckets.contact_id,
            buckets.signal_id,
            buckets.day_on,
            buckets.bucket_points,
            buckets.raw_points,
            buckets.event_count,
            buckets.last_event_at,
            fingerprints.day_fingerprint
        from buckets
        inner join fingerprints on buckets.day_on = fingerprints.day_on
    )

select *
from final
