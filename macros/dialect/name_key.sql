{#
    A person's name for comparison.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro name_key(expression) -%} {{ return(adapter.dispatch("name_key", "leadhouse")(expression)) }} {%- endmacro %}

{% macro default__name_key(expression) -%} lh_name_key({{ expression }}) {%- endmacro %}
