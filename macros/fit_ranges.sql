{#
    What an entity's own unknown facts could still add or take (rules of that entity only).

    entity: 'contact' or 'account'. Grain: entity.
#}
{% macro fit_ranges(entity) %}
    with
        facts as ({{ known_fit_facts(entity) }}),
        entities as (select {{ entity }}_id from {{ ref("dim_" ~ entity ~ "s") }}),
        attribute_ranges as (select * from {{ ref("int_fit_attribute_ranges") }} where entity = '{{ entity }}'),

        totals as (
            select
                coalesce(sum(lo_points), 0) as lo_points,
                coalesce(sum(hi_points), 0) as hi_points,
                coalesce(sum(absence_points), 0) as absence_points,
                coalesce(sum(weight), 0) as weight
            from attribute_ranges
        ),

        known as (
            select
                facts.{{ entity }}_id,
                sum(attribute_ranges.lo_points) as lo_points,
                sum(attribute_ranges.hi_points) as hi_points,
                sum(attribute_ranges.absence_points) as absence_points,
                sum(attribute_ranges.weight) as weight
            from facts
            inner join attribute_ranges on facts.attribute = attribute_ranges.attribute
            group by facts.{{ entity }}_id
        ),

        unknown as (
            select
                entities.{{ entity }}_id,
                totals.lo_points - coalesce(known.lo_points, 0) as lo_points,
                totals.hi_points - coalesce(known.hi_points, 0) as hi_points,
                totals.absence_points - coalesce(known.absence_points, 0) as absence_points,
                coalesce(known.weight, 0) as known_weight,
                totals.weight as total_weight
            from entities
            cross join totals
            left join known on entities.{{ entity }}_id = known.{{ entity }}_id
        ),

        -- Points given for not knowing would go away with the knowledge.
        final as (
            select
                {{ entity }}_id,
                least(lo_points - absence_points, 0) as lo_change,
                greatest(hi_points - absence_points, 0) as hi_change,
                known_weight,
                total_weight
            from unknown
        )

    select *
    from final
{% endmacro %}
