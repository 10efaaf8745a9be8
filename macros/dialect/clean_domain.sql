{#
    The registrable domain of a URL, host or address; null where there is none.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro clean_domain(expression) -%}
    {{ return(adapter.dispatch("clean_domain", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__clean_domain(expression) -%} lh_domain({{ expression }}) {%- endmacro %}
