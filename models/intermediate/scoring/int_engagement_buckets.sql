-- The buckets as they stood at as-of: whole days before it, and that day's events up to the moment. Points that fade by
-- steps are taken off by rows of the days on which they do, so that whoever sums buckets need not know how they decay.
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

    fading as ({{ linear_decay_steps() }}),

    fades as (
        select
            whole_days.contact_id,
            whole_days.signal_id,
            cast({{ dbt.dateadd("day", "fading.days_later", "whole_days.day_on") }} as date) as day_on,
            cast(- whole_days.bucket_points * fading.lost_share as decimal(18, 9)) as bucket_points
        from whole_days
        inner join fading on whole_days.signal_id = fading.signal_id
    ),

    final as (
        select *
        from whole_days
        union all
        select *
        from last_day
        union all
        select
            contact_id,
            signal_id,
            day_on,
            bucket_points,
            cast(0 as decimal(18, 6)) as raw_points,
            cast(0 as bigint) as event_count,
            cast(day_on as {{ dbt.type_timestamp() }}) as last_event_at
        from fades
        where day_on <= cast({{ as_of() }} as date)
    )

select *
from final
