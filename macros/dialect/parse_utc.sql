{#
    A UTC timestamp (without zone) from ISO-8601 text; null where the text is not one. A missing zone means UTC.

    expression: SQL expression, text.
#}
{% macro parse_utc(expression) -%} {{ return(adapter.dispatch("parse_utc", "leadhouse")(expression)) }} {%- endmacro %}

{% macro default__parse_utc(expression) -%}
    (try_cast({{ expression }} as timestamp with time zone) at time zone 'UTC')
{%- endmacro %}

{% macro spark__parse_utc(expression) -%} try_cast({{ expression }} as timestamp) {%- endmacro %}
