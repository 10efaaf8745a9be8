{#
    Whole seconds from one moment to another, those not yet over not counted; null where either is.

    earlier, later: SQL expressions, timestamps.
#}
{% macro seconds_between(earlier, later) -%}
    cast(floor({{ microseconds_between(earlier, later) }} / 1000000.0) as bigint)
{%- endmacro %}
