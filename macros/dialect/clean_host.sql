{#
    Registrable domain, its label, its suffix and whether the suffix is a public one (`y`), of a URL, host or address,
    joined by the separator of hygiene_part.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro clean_host(expression) -%}
    {{ return(adapter.dispatch("clean_host", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__clean_host(expression) -%} lh_host({{ expression }}) {%- endmacro %}
