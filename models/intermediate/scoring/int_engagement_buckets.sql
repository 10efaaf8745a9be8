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

    last_day as ({{ fold_engagement_days("events_of_last_day") }}),

    final as (
        select *
        from whole_days
        union all
        select *
        from last_day
    )

select *
from final
