{#
    The criteria that decide each field (seeds/survivorship_rules.csv), first to last: the field's own lines, else those of
    `*`. A query with field, criterion_1 and so on, null where there are no more.

    relation: name of a CTE with the column field.
    entity: contact or account.
    steps: numbers of the steps there may be.
#}
{% macro survivorship_order_of(relation, entity, steps) %}
    select
        kinds.field,
        {% for step in steps %}
            max(
                case when rules.step = {{ step }} then rules.criterion end
            ) as criterion_{{ step }}{{ "," if not loop.last }}
        {% endfor %}
    from (select distinct field from {{ relation }}) as kinds
    left join
        (select distinct field from {{ ref("survivorship_rules") }} where entity = '{{ entity }}') as own
        on kinds.field = own.field
    inner join
        {{ ref("survivorship_rules") }} as rules
        on rules.entity = '{{ entity }}'
        and rules.field = coalesce(own.field, '*')
    group by kinds.field
{% endmacro %}
