{#
    A person's name in readable case.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro clean_person_name(expression) -%}
    {{ return(adapter.dispatch("clean_person_name", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__clean_person_name(expression) -%} lh_person_name({{ expression }}) {%- endmacro %}
