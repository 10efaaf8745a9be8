{#
    When the next call window of each country, zone and calendar opens, or as-of itself where one is open (R48). Windows are
    local times: the UTC moment is computed day by day, so that a change of clocks moves it. Holidays have none.
-#}
with
    zones as (
        select distinct coalesce(country, '?') as country, time_zone, calendar from {{ ref("int_contact_time_zones") }}
    ),

    windows as (select * from {{ ref("call_windows") }}),

    window_days as (
        select window_id, cast(part as integer) as weekday from {{ split_rows("windows", "weekdays", "|") }} as parts
    ),

    own_countries as (select distinct country from windows where country != '*'),

    holidays as (select * from {{ ref("holidays") }}),

    day_numbers as ({{ dbt.generate_series(64) }}),

    dates as (
        select
            zones.country,
            zones.time_zone,
            zones.calendar,
            cast(
                {{
                    dbt.dateadd(
                        "day",
                        "cast(day_numbers.generated_number - 1 as integer)",
                        "cast(" ~ local_time(as_of(), "zones.time_zone") ~ " as date)",
                    )
                }} as date
            ) as local_date
        from zones
        cross join day_numbers
        where day_numbers.generated_number <= {{ setting("call_window_days_ahead", "queue_settings") }}
    ),

    opened as (
        select
            dates.country,
            dates.time_zone,
            dates.calendar,
            windows.window_id,
            {{
                utc_time(
                    dbt.dateadd("minute", minutes_of_day("windows.opens_at"), "cast(dates.local_date as timestamp)"),
                    "dates.time_zone",
                )
            }} as opens_at,
            {{
                utc_time(
                    dbt.dateadd("minute", minutes_of_day("windows.closes_at"), "cast(dates.local_date as timestamp)"),
                    "dates.time_zone",
                )
            }} as closes_at
        from dates
        left join own_countries on dates.country = own_countries.country
        inner join windows on coalesce(own_countries.country, '*') = windows.country
        inner join
            window_days
            on windows.window_id = window_days.window_id
            and {{ iso_weekday("dates.local_date") }} = window_days.weekday
        left join holidays on dates.calendar = holidays.calendar and dates.local_date = holidays.holiday_on
        where holidays.holiday_on is null
    ),

    ranked as (
        select
            country,
            time_zone,
            calendar,
            window_id,
            greatest(opens_at, {{ as_of() }}) as next_window_start_at,
            closes_at as next_window_end_at,
            row_number() over (partition by country, time_zone, calendar order by opens_at, window_id) as choice
        from opened
        where closes_at > {{ as_of() }}
    ),

    final as (
        select country, time_zone, calendar, window_id, next_window_start_at, next_window_end_at
        from ranked
        where choice = 1
    )

select *
from final
