{#
    The path of a URL as written, without query and fragment, `/` where the URL ends at its host; null where there is no URL.

    expression: SQL expression, text.
#}
{% macro url_path(expression) -%} {{ return(adapter.dispatch("url_path", "leadhouse")(expression)) }} {%- endmacro %}

{% macro default__url_path(expression) -%}
    case
        when regexp_matches(lower({{ expression }}), '^[a-z][a-z0-9+.-]*://[^/?#]')
        then
            coalesce(nullif(regexp_extract({{ expression }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)', 1), ''), '/')
    end
{%- endmacro %}

{% macro spark__url_path(expression) -%}
    case
        when lower({{ expression }}) rlike '^[a-z][a-z0-9+.-]*://[^/?#]'
        then
            coalesce(nullif(regexp_extract({{ expression }}, '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)', 1), ''), '/')
    end
{%- endmacro %}
