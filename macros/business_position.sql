{#
    Microseconds of business time from the start of the calendar to a moment: what was open before its day, and what of its
    day's openings lies before it.

    days: alias of int_business_days, joined on calendar, zone and the moment's local date.
    moment: SQL expression, UTC timestamp.
#}
{% macro business_position(days, moment) -%}
    (
        {{ days }}.open_microseconds_before
        {%- for part in ["first", "second"] %}
            + coalesce(
                {{
                    microseconds_between(
                        days ~ "." ~ part ~ "_opens_at",
                        "least(greatest("
                        ~ moment
                        ~ ", "
                        ~ days
                        ~ "."
                        ~ part
                        ~ "_opens_at), "
                        ~ days
                        ~ "."
                        ~ part
                        ~ "_closes_at)",
                    )
                }},
                0
            )
        {%- endfor %}
    )
{%- endmacro %}
