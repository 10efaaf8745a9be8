{#
    The fit rules of an entity that its facts meet, one line each. Of the rules of one attribute that do not add up only the
    weightiest counts, so that a company is not paid twice for one fact (62.01Z meets NACE 62 and ISIC 6201).

    entity: 'contact' or 'account': the rules' entity and the model of facts. Grain: entity x rule.
    facts: name of another model of facts; by default that of the entity.
#}
{% macro fit_lines(entity, facts=none) %}
    with
        facts as (select * from {{ ref(facts or "int_" ~ entity ~ "_fit_facts") }}),
        entities as (select {{ entity }}_id from {{ ref("dim_" ~ entity ~ "s") }}),
        fit_rules as (select * from {{ ref("fit_rules") }} where entity = '{{ entity }}'),

        hits as ({{ fit_rule_hits("facts", "fit_rules") }}),

        weighed as (
            select
                hits.attribute,
                hits.value,
                hits.rule_id,
                fit_rules.points,
                {{ adds_up("fit_rules") }} as adds_up,
                row_number() over (
                    partition by hits.attribute, hits.value, {{ adds_up("fit_rules") }}
                    order by abs(fit_rules.points) desc, hits.rule_id
                ) as place
            from hits
            inner join fit_rules on hits.rule_id = fit_rules.rule_id
        ),

        known_lines as (
            select facts.{{ entity }}_id, weighed.rule_id, facts.attribute, facts.value, facts.stated_at, weighed.points
            from facts
            inner join weighed on facts.attribute = weighed.attribute and facts.value = weighed.value
            where weighed.adds_up or weighed.place = 1
        ),

        unknown_lines as (
            select
                entities.{{ entity }}_id,
                fit_rules.rule_id,
                fit_rules.attribute,
                cast(null as {{ dbt.type_string() }}) as value,
                cast(null as timestamp) as stated_at,
                fit_rules.points
            from fit_rules
            cross join entities
            left join
                facts on entities.{{ entity }}_id = facts.{{ entity }}_id and fit_rules.attribute = facts.attribute
            where
                fit_rules.operator = 'is_known'
                and lower(trim(fit_rules.value)) = 'false'
                and facts.{{ entity }}_id is null
        ),

        final as (
            select {{ entity }}_id, rule_id, attribute, value, stated_at, points
            from known_lines
            union all
            select {{ entity }}_id, rule_id, attribute, value, stated_at, points
            from unknown_lines
        )

    select *
    from final
{% endmacro %}
