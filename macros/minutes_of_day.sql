{#
    Minutes since midnight of a time of day written as HH:MM; 24:00 is the end of the day.

    expression: SQL expression, text.
#}
{% macro minutes_of_day(expression) -%}
    (
        cast({{ dbt.split_part(expression, "':'", 1) }} as integer) * 60
        + cast({{ dbt.split_part(expression, "':'", 2) }} as integer)
    )
{%- endmacro %}
