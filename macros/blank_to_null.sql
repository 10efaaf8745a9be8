{#
    A text without surrounding white space; null where nothing is left.

    expression: SQL expression, text.
#}
{% macro blank_to_null(expression) -%} nullif(trim({{ expression }}), '') {%- endmacro %}
