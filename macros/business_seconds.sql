{#
    Whole seconds of business time between two moments, as the difference of two places in the calendar; negative where the
    second is earlier, null where a day is not in the calendar. No row of the calendar is counted one by one.

    start_days, end_days: aliases of int_business_days, joined on calendar, zone and the local date of the moment
        (`cast({{ local_time(moment, zone) }} as date)`).
    start_moment, end_moment: SQL expressions, UTC timestamps.
#}
{% macro business_seconds(start_days, start_moment, end_days, end_moment) -%}
    cast(
        floor(
            ({{ business_position(end_days, end_moment) }} - {{ business_position(start_days, start_moment) }})
            / 1000000.0
        ) as bigint
    )
{%- endmacro %}
