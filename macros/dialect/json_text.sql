{#
    The text of one top-level member of a JSON object; null where it is absent.

    expression: SQL expression, JSON text.
    member: name of the member, a literal.
#}
{% macro json_text(expression, member) -%}
    {{ return(adapter.dispatch("json_text", "leadhouse")(expression, member)) }}
{%- endmacro %}

{% macro default__json_text(expression, member) -%}
    json_extract_string({{ expression }}, '$."{{ member }}"')
{%- endmacro %}

{% macro spark__json_text(expression, member) -%} get_json_object({{ expression }}, '$.{{ member }}') {%- endmacro %}
