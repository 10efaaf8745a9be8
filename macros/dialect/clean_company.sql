{#
    Name, key, legal form, status, reason and typed form of a company's name, joined by the separator of hygiene_part; by
    the words of seeds/legal_forms.csv.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro clean_company(expression) -%}
    {{ return(adapter.dispatch("clean_company", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__clean_company(expression) -%}
    lh_company({{ expression }}, {{ rule_lines("legal_forms", ["position", "legal_form"]) }})
{%- endmacro %}
