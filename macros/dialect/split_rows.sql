{#
    A relation with one row per part of a separated list: every column of the relation plus `part` (trimmed, never
    empty).

    relation: a relation or the name of a CTE.
    column: name of the column that holds the list, text.
    separator: one character.
#}
{% macro split_rows(relation, column, separator=";") -%}
    {{ return(adapter.dispatch("split_rows", "leadhouse")(relation, column, separator)) }}
{%- endmacro %}

{% macro default__split_rows(relation, column, separator) -%}
    (
        select *
        from
            (
                select *, trim(unnest(string_split({{ column }}, '{{ separator }}'))) as part
                from {{ relation }}
                where {{ column }} is not null
            )
        where part != ''
    )
{%- endmacro %}

{% macro spark__split_rows(relation, column, separator) -%}
    (
        select *
        from
            (
                select *, trim(exploded_part) as part
                from {{ relation }}
                lateral view explode(split({{ column }}, '[{{ separator }}]')) exploded as exploded_part
            )
        where part != ''
    )
{%- endmacro %}
