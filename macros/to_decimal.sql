{#
    An exact number from text, null where the text is not a number. Money and counts are DECIMAL because sums of
    doubles are not repeatable.

    expression: SQL expression, text with a point as decimal mark.
    scale: digits after the point.
#}
{% macro to_decimal(expression, scale=2) -%}
    {{ try_cast("nullif(trim(" ~ expression ~ "), '')", "decimal(18, " ~ scale ~ ")") }}
{%- endmacro %}
