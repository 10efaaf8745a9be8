{#
    A moment a number of microseconds later.

    moment: SQL expression, timestamp.
    microseconds: SQL expression, whole number.
#}
{% macro add_microseconds(moment, microseconds) -%}
    {{ return(adapter.dispatch("add_microseconds", "leadhouse")(moment, microseconds)) }}
{%- endmacro %}

{% macro default__add_microseconds(moment, microseconds) -%}
    ({{ moment }} + to_microseconds(cast({{ microseconds }} as bigint)))
{%- endmacro %}

{% macro spark__add_microseconds(moment, microseconds) -%}
    timestamp_micros(unix_micros({{ moment }}) + cast({{ microseconds }} as bigint))
{%- endmacro %}
