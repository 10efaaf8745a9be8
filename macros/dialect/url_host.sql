{#
    The host of a URL, lower case, without port, user or leading `www.`; null where there is none.

    expression: SQL expression, text.
#}
{% macro url_host(expression) -%} {{ return(adapter.dispatch("url_host", "leadhouse")(expression)) }} {%- endmacro %}

{% macro default__url_host(expression) -%}
    nullif(regexp_extract(lower({{ expression }}), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\.)?([^/:?#]+)', 1), '')
{%- endmacro %}

{% macro spark__url_host(expression) -%}
    nullif(regexp_extract(lower({{ expression }}), '^[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?(?:www\\.)?([^/:?#]+)', 1), '')
{%- endmacro %}
