{#
    A reason of a list in words: `{fit}` and `{engagement}` become the scores, `{stage}`, `{route}` and `{grade}` where the person
    is, `{days}` the whole days in the stage; a question mark where it is not known.

    template: SQL expression, text of the seed.
    people: name of a relation with the columns of int_list_people.
#}
{% macro fill_list_reason(template, people) -%}
    {%- set text = dbt.type_string() -%}
    {%- set places = {
        "fit": "cast(cast(" ~ people ~ ".fit_score as decimal(18, 1)) as " ~ text ~ ")",
        "engagement": "cast(cast(" ~ people ~ ".engagement_score as decimal(18, 1)) as " ~ text ~ ")",
        "stage": people ~ ".stage",
        "route": people ~ ".route",
        "grade": people ~ ".grade",
        "days": "cast(cast(floor(" ~ people ~ ".days_in_stage) as bigint) as " ~ text ~ ")",
    } -%}
    {%- set filled = namespace(sql=template) -%}
    {%- for place, value in places.items() -%}
        {%- set filled.sql = "replace(" ~ filled.sql ~ ", '{" ~ place ~ "}', coalesce(" ~ value ~ ", '?'))" -%}
    {%- endfor -%}
    {{ filled.sql }}
{%- endmacro %}
