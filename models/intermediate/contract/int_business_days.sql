{#
    Each calendar's days in each zone it is read in, with what is open of them: UTC bounds of at most two openings, so that an
    opening over a change of clocks has the length it really has, and the business time before the day. Business time
    between two moments is then the difference of two rows (macro `business_seconds`), however far they are apart.

    Days run from the first hand-over's look-back to `calendar_days_ahead` after as-of. Grain: calendar, zone, local date.
-#}
{%- set most_days = 8192 -%}

with
    calendars as (select * from {{ ref("business_calendars") }}),

    opening_hours as (select * from {{ ref("business_hours") }}),

    holidays as (select * from {{ ref("holidays") }}),

    contact_zones as (select distinct calendar, time_zone from {{ ref("int_contact_time_zones") }}),

    contracts as (select * from {{ ref("sla_contracts") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    day_numbers as ({{ dbt.generate_series(most_days) }}),

    -- The calendars that are read somewhere: each lead's own, and those that a contract names. One without a zone of
    -- its
    -- own is read in the lead's.
    read_calendars as (
        select calendar, time_zone
        from contact_zones
        union
        select contracts.calendar, contact_zones.time_zone
        from contracts
        cross join contact_zones
        where contracts.calendar is not null
    ),

    zoned_calendars as (
        select distinct calendars.calendar, coalesce(calendars.time_zone, read_calendars.time_zone) as time_zone
        from read_calendars
        inner join calendars on read_calendars.calendar = calendars.calendar
    ),

    bounds as (
        select
            {{
                dbt.dateadd(
                    "day",
                    "-2 - cast(" ~ setting("entry_lookback_days", "contract_settings") ~ " as integer)",
                    "cast(coalesce(min(transition_at), " ~ as_of() ~ ") as date)",
                )
            }} as first_date,
            {{
                dbt.dateadd(
                    "day",
                    "cast(" ~ setting("calendar_days_ahead", "contract_settings") ~ " as integer)",
                    "cast(" ~ as_of() ~ " as date)",
                )
            }} as last_date
        from transitions
    ),

    dates as (
        select
            cast({{ dbt.dateadd("day", "cast(generated_number - 1 as integer)", "first_date") }} as date) as local_date
        from day_numbers
        cross join bounds
        where {{ dbt.dateadd("day", "cast(generated_number - 1 as integer)", "first_date") }} <= last_date
    ),

    weekdays as (select local_date, {{ iso_weekday("local_date") }} as weekday from dates),

    openings as (
        select
            calendar,
            weekday,
            {{ minutes_of_day("opens_at") }} as opens_minute,
            {{ minutes_of_day("closes_at") }} as closes_minute,
            row_number() over (partition by calendar, weekday order by {{ minutes_of_day("opens_at") }}) as opening
        from opening_hours
    ),

    week as (
        select
            calendar,
            weekday,
            max(case when opening = 1 then opens_minute end) as first_opens_minute,
            max(case when opening = 1 then closes_minute end) as first_closes_minute,
            max(case when opening = 2 then opens_minute end) as second_opens_minute,
            max(case when opening = 2 then closes_minute end) as second_closes_minute
        from openings
        group by calendar, weekday
    ),

    days as (
        select
            zoned_calendars.calendar,
            zoned_calendars.time_zone,
            weekdays.local_date,
            weekdays.weekday,
            holidays.name as holiday,
            {% for bound in ["first_opens", "first_closes", "second_opens", "second_closes"] %}
                case
                    when holidays.holiday_on is null
                    then
                        {{
                            utc_time(
                                dbt.dateadd(
                                    "minute", "week." ~ bound ~ "_minute", "cast(weekdays.local_date as timestamp)"
                                ),
                                "zoned_calendars.time_zone",
                            )
                        }}
                end as {{ bound }}_at
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from zoned_calendars
        cross join weekdays
        left join week on zoned_calendars.calendar = week.calendar and weekdays.weekday = week.weekday
        left join holidays on zoned_calendars.calendar = holidays.calendar and weekdays.local_date = holidays.holiday_on
    ),

    measured as (
        select
            *,
            cast(
                coalesce({{ microseconds_between("first_opens_at", "first_closes_at") }}, 0)
                + coalesce({{ microseconds_between("second_opens_at", "second_closes_at") }}, 0) as bigint
            ) as open_microseconds
        from days
    ),

    final as (
        select
            calendar,
            time_zone,
            local_date,
            weekday,
            holiday,
            first_opens_at,
            first_closes_at,
            second_opens_at,
            second_closes_at,
            open_microseconds,
            cast(
                coalesce(
                    sum(open_microseconds) over (
                        partition by calendar, time_zone
                        order by local_date
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as bigint
            ) as open_microseconds_before
        from measured
    )

select *
from final
