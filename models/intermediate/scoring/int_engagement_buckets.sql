-- The buckets as they stood at as-of: whole days before it, and that day's events up to the moment.
{{ config(materialized="view") }}

with
    daily as (select * from {{ ref("int_engagement_daily") }}),

    -- Restricted before it is matched with signals: one day, not all of them.
    inputs_of_last_day as (
        select *
        from {{ ref("int_engagement_inputs") }}
        where day_on = cast({{ as_of() }} as date) and event_at <= {{ as_of() }}
    ),

    events_of_last_day as ({{ match_signals("inputs_of_last_day") }}),

    whole_days as (
        select contact_id, signal_id, day_on, bucket_points, raw_points, event_count, last_event_at
        from daily
        where day_on < cast({{ as_of() }} as date)
    ),

    last_day as (
        select
            contact_id,
            signal_id,
            day_on,
            cast(
                sum({{ decay("event_points", "-" ~ days_between("day_on", "event_at"), "half_life_days") }}) as decimal(
                    28, 9
                )
            ) as bucket_points,
            cast(sum(event_points) as decimal(18, 6)) as raw_points,
            count(*) as event_count,
            max(event_at) as last_event_at
        from events_of_last_day
        group by contact_id, signal_id, day_on
    ),

    final as (
        select *
        from whole_days
        union all
        select *
        from last_day
    )

select *
from final
