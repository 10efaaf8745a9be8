{#
    Whether a text is one of the values of a list written in a seed cell as `one|two|three`; case does not matter. False
    where the text or the list is null.

    expression: SQL expression, text.
    list: SQL expression, the cell.
#}
{% macro in_list(expression, list) -%}
    coalesce(
        {{ dbt.position("'|' || lower(trim(" ~ expression ~ ")) || '|'", "'|' || lower(" ~ list ~ ") || '|'") }} > 0,
        false
    )
{%- endmacro %}
