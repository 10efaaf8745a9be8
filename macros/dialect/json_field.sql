{#
    The text of a top-level member of a JSON object whose name is data (a cell of a seed); null where it is absent.

    expression: SQL expression, JSON text.
    field: SQL expression, name of the member.
#}
{% macro json_field(expression, field) -%}
    {{ return(adapter.dispatch("json_field", "leadhouse")(expression, field)) }}
{%- endmacro %}

{% macro default__json_field(expression, field) -%}
    json_extract_string({{ expression }}, '$."' || {{ field }} || '"')
{%- endmacro %}

{% macro spark__json_field(expression, field) -%}
    get_json_object({{ expression }}, concat('$.', {{ field }}))
{%- endmacro %}
