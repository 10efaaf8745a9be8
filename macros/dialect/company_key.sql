{#
    A company's name for comparison (no accents, case, punctuation, "and" or legal form of seeds/legal_forms.csv).

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro company_key(expression) -%}
    {{ return(adapter.dispatch("company_key", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__company_key(expression) -%}
    lh_company_key({{ expression }}, {{ rule_lines("legal_forms", ["position", "legal_form"]) }})
{%- endmacro %}
