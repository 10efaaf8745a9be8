{#
    How good a value of each status is (seeds/value_quality.csv; 0 is best): the most specific line that names its status,
    field and entity, `*` standing for any. A query with field, quality_status, quality.

    relation: name of a CTE with the columns field, quality_status.
    entity: contact or account.
#}
{% macro value_quality_of(relation, entity) %}
    select field, quality_status, quality
    from
        (
            select
                kinds.field,
                kinds.quality_status,
                rules.quality,
                row_number() over (
                    partition by kinds.field, kinds.quality_status
                    order by
                        case when rules.status = '*' then 1 else 0 end,
                        case when rules.field = '*' then 1 else 0 end,
                        case when rules.entity = '*' then 1 else 0 end
                ) as specificity
            from (select distinct field, quality_status from {{ relation }}) as kinds
            inner join
                {{ ref("value_quality") }} as rules
                on rules.entity in ('{{ entity }}', '*')
                and rules.field in (kinds.field, '*')
                and rules.status in (kinds.quality_status, '*')
        ) as candidates
    where specificity = 1
{% endmacro %}
