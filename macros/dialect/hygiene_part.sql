{#
    One part of what clean_email or clean_phone gives; null where the part is empty.

    expression: SQL expression, the joined parts.
    position: 1-based.
#}
{% macro hygiene_part(expression, position) -%}
    {{ return(adapter.dispatch("hygiene_part", "leadhouse")(expression, position)) }}
{%- endmacro %}

{% macro default__hygiene_part(expression, position) -%}
    nullif(split_part({{ expression }}, chr(31), {{ position }}), '')
{%- endmacro %}
