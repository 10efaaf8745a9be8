{#
    Whether a text holds a match of a regular expression (RE2/Java subset that both engines share). An expression that
    must match the whole text is written with ^ and $.

    expression: SQL expression, text.
    pattern: SQL expression, the regular expression.
#}
{% macro matches(expression, pattern) -%}
    {{ return(adapter.dispatch("matches", "leadhouse")(expression, pattern)) }}
{%- endmacro %}

{% macro default__matches(expression, pattern) -%} regexp_matches({{ expression }}, {{ pattern }}) {%- endmacro %}

{% macro spark__matches(expression, pattern) -%}({{ expression }} rlike {{ pattern }}) {%- endmacro %}
