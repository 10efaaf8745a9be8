{#
    A surrogate key: md5 of the columns' text, joined by a separator, nulls marked, so that ('a', null, 'b') and
    ('a', 'b', null) differ.

    columns: list of SQL expressions.
#}
{% macro hash_key(columns) -%}
    md5(
        {%- for column in columns %}
            coalesce(cast({{ column }} as {{ dbt.type_string() }}), '~null~')
            {%- if not loop.last %} || '|' || {% endif -%}
        {%- endfor %}
    )
{%- endmacro %}
