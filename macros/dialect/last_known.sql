{#
    Window function, without its `over`: the last value that is not null of the rows of the window frame.

    expression: SQL expression.
#}
{% macro last_known(expression) -%}
    {{ return(adapter.dispatch("last_known", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__last_known(expression) -%} last_value({{ expression }} ignore nulls) {%- endmacro %}

{% macro spark__last_known(expression) -%} last_value({{ expression }}, true) {%- endmacro %}
