{#
    Marks, for each entity and field, the value that survives: the best quality, then the source's precedence, then the
    newest. Losing values stay, with their provenance (R20). A query with every column of the relation plus is_surviving.

    relation: name of a CTE with id_column, field, value_source, source, as_of, record_key, quality.
    entity: contact or account.
    id_column: name of the entity's id.
#}
{% macro surviving_values(relation, entity, id_column) %}
    select
        valued.*,
        row_number() over (
            partition by valued.{{ id_column }}, valued.field
            order by
                valued.quality,
                precedences.precedence,
                case when valued.as_of is null then 1 else 0 end,
                valued.as_of desc,
                valued.record_key,
                valued.value
        )
        = 1 as is_surviving
    from {{ relation }} as valued
    inner join
        ({{ source_precedence_of(relation, entity) }}) as precedences
        on valued.field = precedences.field
        and valued.value_source = precedences.value_source
        and valued.source = precedences.source
{% endmacro %}
