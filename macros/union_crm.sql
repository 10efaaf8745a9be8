{#
    A query: one entity of every CRM (crm_sources), one below the other, with `source` in front.

    entity: contacts, companies, deals, ...
    columns: names of the columns that each of them has.
#}
{% macro union_crm(entity, columns) -%}
    {%- for source, prefix in crm_sources().items() %}
        select '{{ source }}' as source, {{ columns | join(", ") }}
        from {{ ref(prefix ~ entity) }}
        {% if not loop.last %}
            union all
        {% endif %}
    {%- endfor %}
{%- endmacro %}
