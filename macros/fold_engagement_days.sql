{#
    A query with one row per contact, signal and day: what that day's events are worth, carried back to the start of the day,
    so that one factor a day decays them all. Columns contact_id, signal_id, day_on, bucket_points, raw_points,
    event_count, last_event_at.

    A signal of measure `active_day` counts a day once, at its first event. A daily cap scales the day down to it, so that
    neither the order of the events nor when they became known makes a difference.

    events: relation or CTE with the columns of match_signals.
#}
{% macro fold_engagement_days(events) -%}
    with
        signals as (
            select signal_id, points, half_life_days, daily_cap, measure = 'active_day' as counts_days
            from {{ ref("engagement_signals") }}
        ),

        sums as (
            select
                contact_id,
                signal_id,
                day_on,
                -- The sum of DECIMAL(18) is a DECIMAL(38); going back at the same scale is free.
                cast(
                    sum(
                        {{ decay("event_points", "-" ~ days_between("day_on", "event_at"), "half_life_days") }}
                    ) as decimal(18, 9)
                ) as bucket_points,
                cast(sum(event_points) as decimal(18, 6)) as raw_points,
                count(*) as event_count,
                min(event_at) as first_event_at,
                max(event_at) as last_event_at
            from {{ events }}
            group by contact_id, signal_id, day_on
        ),

        counted as (
            select
                sums.contact_id,
                sums.signal_id,
                sums.day_on,
                case
                    when signals.counts_days
                    then
                        {{
                            decay(
                                "signals.points",
                                "-" ~ days_between("sums.day_on", "sums.first_event_at"),
                                "signals.half_life_days",
                            )
                        }}
                    else sums.bucket_points
                end as bucket_points,
                case
                    when signals.counts_days then cast(signals.points as decimal(18, 6)) else sums.raw_points
                end as raw_points,
                case when signals.counts_days then 1 else sums.event_count end as event_count,
                sums.last_event_at,
                signals.daily_cap
            from sums
            inner join signals on sums.signal_id = signals.signal_id
        )

    -- Each branch has the type of the column: a mixed one would turn every row into a double and back.
    select
        contact_id,
        signal_id,
        day_on,
        case
            when daily_cap is not null and abs(raw_points) > abs(daily_cap)
            then
                cast(
                    cast(bucket_points as double)
                    * cast(abs(daily_cap) as double)
                    / cast(abs(raw_points) as double) as decimal(18, 9)
                )
            else bucket_points
        end as bucket_points,
        case
            when daily_cap is not null and abs(raw_points) > abs(daily_cap)
            then cast(sign(raw_points) * abs(daily_cap) as decimal(18, 6))
            else raw_points
        end as raw_points,
        cast(event_count as bigint) as event_count,
        last_event_at
    from counted
{%- endmacro %}
