{#
    Microseconds from one moment to another, exact, a whole number; negative where the second is earlier.

    earlier, later: SQL expressions, timestamps.
#}
{% macro microseconds_between(earlier, later) -%}
    {{ return(adapter.dispatch("microseconds_between", "leadhouse")(earlier, later)) }}
{%- endmacro %}

{% macro default__microseconds_between(earlier, later) -%}
    (epoch_us({{ later }}) - epoch_us({{ earlier }}))
{%- endmacro %}

{% macro spark__microseconds_between(earlier, later) -%}
    (unix_micros({{ later }}) - unix_micros({{ earlier }}))
{%- endmacro %}
