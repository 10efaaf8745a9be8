{#
    A relation with one row per top-level member of a JSON object: every column of the relation plus `member` (its name)
    and `member_value` (its text, null for JSON null).

    relation: a relation or the name of a CTE.
    column: name of the column that holds the object, text; rows where it is null give none.
#}
{% macro json_members(relation, column) -%}
    {{ return(adapter.dispatch("json_members", "leadhouse")(relation, column)) }}
{%- endmacro %}

{% macro default__json_members(relation, column) -%}
    (
        select *, json_extract_string({{ column }}, '$."' || member || '"') as member_value
        from (select *, unnest(json_keys({{ column }})) as member from {{ relation }} where {{ column }} is not null)
    )
{%- endmacro %}

{% macro spark__json_members(relation, column) -%}
    (
        select *
        from {{ relation }}
        lateral view explode(from_json({{ column }}, 'map<string,string>')) members as member, member_value
        where {{ column }} is not null
    )
{%- endmacro %}
