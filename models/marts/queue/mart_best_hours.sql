{#
    When people are reached by phone, by weekday and hour of the lead's own day (R48). Few calls of an hour say little: its rate
    is drawn to the rate of all hours as if `best_hours_prior_n` calls at that rate had been made (empirical Bayes).
-#}
with
    calls as (
        select contact_id, activity_id, activity_at, is_human_contact
        from {{ ref("fct_sales_activities") }}
        where
            contact_id is not null
            and activity_type = 'call'
            and direction = 'outbound'
            and is_attempt
            and not is_automated
            and activity_at <= {{ as_of() }}
    ),

    zones as (select * from {{ ref("int_contact_time_zones") }}),

    local_calls as (
        select {{ local_time("calls.activity_at", "zones.time_zone") }} as local_at, calls.is_human_contact
        from calls
        inner join zones on calls.contact_id = zones.contact_id
    ),

    hours as (
        select
            {{ iso_weekday("cast(local_at as date)") }} as weekday,
            cast(extract(hour from local_at) as integer) as hour,
            case when is_human_contact then 1 else 0 end as contacted
        from local_calls
    ),

    both_ways as (
        select weekday, hour, contacted
        from hours
        union all
        select 0 as weekday, hour, contacted
        from hours
    ),

    counted as (
        select weekday, hour, count(*) as calls, sum(contacted) as contacted from both_ways group by weekday, hour
    ),

    overall as (select count(*) as calls, sum(contacted) as contacted from hours),

    rated as (
        select
            counted.*,
            overall.contacted / nullif(cast(overall.calls as double), 0) as overall_rate,
            (
                counted.contacted
                + cast({{ setting("best_hours_prior_n", "queue_settings") }} as double)
                * overall.contacted
                / nullif(cast(overall.calls as double), 0)
            )
            / (counted.calls + cast({{ setting("best_hours_prior_n", "queue_settings") }} as double)) as shrunk_rate
        from counted
        cross join overall
    ),

    final as (
        select
            cast(weekday as integer) as weekday,
            hour,
            cast(calls as bigint) as calls,
            cast(contacted as bigint) as contacted,
            cast(contacted / nullif(cast(calls as double), 0) as decimal(9, 6)) as contact_rate,
            cast({{ wilson_interval("contacted", "calls", "lo") }} as decimal(9, 6)) as contact_lo,
            cast({{ wilson_interval("contacted", "calls", "hi") }} as decimal(9, 6)) as contact_hi,
            cast(shrunk_rate as decimal(9, 6)) as shrunk_rate,
            cast(overall_rate as decimal(9, 6)) as overall_rate,
            cast(
                row_number() over (
                    partition by weekday = 0 order by cast(shrunk_rate as decimal(9, 6)) desc, weekday, hour
                ) as integer
            ) as hour_rank,
            calls >= {{ setting("queue_min_n", "queue_settings") }} as is_enough
        from rated
    )

select *
from final
