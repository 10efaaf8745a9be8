{#
    Name, key, status, reason and typed form of a person's name, joined by the separator of hygiene_part; by the words of
    seeds/name_words.csv.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
#}
{% macro clean_name(expression) -%}
    {{ return(adapter.dispatch("clean_name", "leadhouse")(expression)) }}
{%- endmacro %}

{% macro default__clean_name(expression) -%}
    lh_name({{ expression }}, {{ rule_lines("name_words", ["kind", "word"]) }})
{%- endmacro %}
