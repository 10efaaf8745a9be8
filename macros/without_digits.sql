{#
    A text without the digits 0-9.

    expression: SQL expression, text.
#}
{% macro without_digits(expression) -%} translate({{ expression }}, '0123456789', '') {%- endmacro %}
