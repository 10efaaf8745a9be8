{#
    A relation with one row per element of a JSON list: every column of the relation plus `element` (JSON text).

    relation: a relation or the name of a CTE.
    column: name of the column that holds the list, text; rows where it is null give none.
#}
{% macro json_elements(relation, column) -%}
    {{ return(adapter.dispatch("json_elements", "leadhouse")(relation, column)) }}
{%- endmacro %}

{% macro default__json_elements(relation, column) -%}
    (
        select *, cast(unnest(json_extract({{ column }}, '$[*]')) as varchar) as element
        from {{ relation }}
        where {{ column }} is not null
    )
{%- endmacro %}

{% macro spark__json_elements(relation, column) -%}
    (
        select *
        from {{ relation }}
        lateral view explode(from_json({{ column }}, 'array<string>')) elements as element
        where {{ column }} is not null
    )
{%- endmacro %}
