{#
    An activity code in capitals without dots, dashes, slashes and spaces, its system kept in front: `NAF:62.01Z` becomes
    `NAF:6201Z`.

    expression: SQL expression, `SYSTEM:code`.
#}
{% macro plain_code(expression) -%}
    replace(replace(replace(replace(upper({{ expression }}), '.', ''), '-', ''), '/', ''), ' ', '')
{%- endmacro %}
