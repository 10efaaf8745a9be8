{#
    e164, status, reason and kind of a phone number, joined by the separator of hygiene_part.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
    country: SQL expression, ISO 3166 alpha-2 code of the plan to read a national number by; may be null.
#}
{% macro clean_phone(expression, country) -%}
    {{ return(adapter.dispatch("clean_phone", "leadhouse")(expression, country)) }}
{%- endmacro %}

{% macro default__clean_phone(expression, country) -%} lh_phone({{ expression }}, {{ country }}) {%- endmacro %}
