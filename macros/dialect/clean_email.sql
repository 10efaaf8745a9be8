{#
    address, canonical, domain, status, reason, detail and repaired form of an e-mail address, joined by the separator of
    hygiene_part.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro clean_email(expression) -%}
    {{ return(adapter.dispatch("clean_email", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__clean_email(expression) -%} lh_email({{ expression }}) {%- endmacro %}
