{#
    A cast that gives null instead of an error.

    expression: SQL expression, usually text as a source sent it.
    type: SQL type of the target engine.
#}
{% macro try_cast(expression, type) -%}
    {{ return(adapter.dispatch("try_cast", "leadhouse")(expression, type)) }}
{%- endmacro %}

{% macro default__try_cast(expression, type) -%} try_cast({{ expression }} as {{ type }}) {%- endmacro %}
