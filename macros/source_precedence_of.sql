{#
    The precedence (seeds/source_precedence.csv) of every kind of value in a relation: the most specific rule that names
    its field and source, `*` standing for any. A query with field, value_source, source, precedence.

    relation: name of a CTE with the columns field, value_source, source.
    entity: contact or account.
#}
{% macro source_precedence_of(relation, entity) %}
    select field, value_source, source, precedence
    from
        (
            select
                kinds.field,
                kinds.value_source,
                kinds.source,
                rules.precedence,
                row_number() over (
                    partition by kinds.field, kinds.value_source, kinds.source
                    order by
                        case when rules.field = '*' then 1 else 0 end, case when rules.source = '*' then 1 else 0 end
                ) as specificity
            from (select distinct field, value_source, source from {{ relation }}) as kinds
            inner join
                {{ ref("source_precedence") }} as rules
                on rules.entity = '{{ entity }}'
                and rules.value_source = kinds.value_source
                and rules.field in (kinds.field, '*')
                and rules.source in (kinds.source, '*')
        ) as candidates
    where specificity = 1
{% endmacro %}
