{#
    Day of the week of a date, 1 = Monday to 7 = Sunday: 2000-01-03 was a Monday. For dates from then on.

    date: SQL expression, date.
#}
{% macro iso_weekday(date) -%}
    (mod({{ dbt.datediff("cast('2000-01-03' as date)", date, "day") }}, 7) + 1)
{%- endmacro %}
