{#
    Number (from 1) of the first of several regular expressions that a text holds a match of, null where none does. For
    expressions that stand in a seed: however many rows there are, each is compiled once a batch.

    A function of the hygiene package registered with the engine; call it on distinct values.
    expression: SQL expression, text.
    patterns: SQL expression, the expressions in order, joined by chr(31).
#}
{% macro first_match(expression, patterns) -%}
    {{ return(adapter.dispatch("first_match", "leadhouse")(expression, patterns)) }}
{%- endmacro %}

{% macro default__first_match(expression, patterns) -%} lh_first_match({{ expression }}, {{ patterns }}) {%- endmacro %}
