{#
    A query: one entity of every CRM, one below the other, with `source` in front.

    entity: stg_<source>__<entity> is read for each of crm_sources.
    columns: names of the columns that each of them has.
#}
{% macro union_crm(entity, columns) -%}
    {%- for source in crm_sources() %}
        select '{{ source }}' as source, {{ columns | join(", ") }}
        from {{ ref("stg_" ~ source ~ "__" ~ entity) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
{%- endmacro %}
