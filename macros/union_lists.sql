{#
    A query: the members of the named smart lists, one below the other (list_name, contact_id, reason, reason_pt). The names
    are written down so that dbt knows what to build first; a model with `config.meta.list` that is not among them, or a name
    without such a model, stops the build, because its members would have no history.

    names: list of model names.
#}
{% macro union_lists(names) -%}
    {%- if execute -%}
        {%- set known = smart_lists() | map(attribute="name") | list -%}
        {%- set missing = known | reject("in", names) | list -%}
        {%- set unknown = names | reject("in", known) | list -%}
        {%- if missing or unknown -%}
            {{
                exceptions.raise_compiler_error(
                    "union_lists in "
                    ~ model.name
                    ~ ": "
                    ~ ("add the smart list(s) " ~ missing | join(", ") ~ ". " if missing else "")
                    ~ ("remove " ~ unknown | join(", ") ~ ": no model with config.meta.list." if unknown else "")
                )
            }}
        {%- endif -%}
    {%- endif -%}
    {%- for name in names %}
        select '{{ name }}' as list_name, contact_id, reason, reason_pt
        from {{ ref(name) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
{%- endmacro %}
