{#
    The fit rules of an entity that its facts meet, one line each.

    entity: 'contact' or 'account': the rules' entity and the model of facts. Grain: entity x rule.
#}
{% macro fit_lines(entity) %}
    with
        facts as (select * from {{ ref("int_" ~ entity ~ "_fit_facts") }}),
        entities as (select {{ entity }}_id from {{ ref("dim_" ~ entity ~ "s") }}),
        fit_rules as (select * from {{ ref("fit_rules") }} where entity = '{{ entity }}'),

        -- Rules are compared with distinct values, not with every row: a million entities have few distinct facts.
        known_values as (
            select distinct attribute, value from facts where attribute in (select attribute from fit_rules)
        ),

        value_matches as (
            select known_values.attribute, known_values.value, fit_rules.rule_id, fit_rules.points
            from known_values
            inner join fit_rules on known_values.attribute = fit_rules.attribute
            where {{ fit_rule_matches("known_values.value", "fit_rules.operator", "fit_rules.value") }}
        ),

        known_lines as (
            select facts.{{ entity }}_id, value_matches.rule_id, facts.attribute, facts.value, value_matches.points
            from facts
            inner join value_matches on facts.attribute = value_matches.attribute and facts.value = value_matches.value
        ),

        unknown_lines as (
            select
                entities.{{ entity }}_id,
                fit_rules.rule_id,
                fit_rules.attribute,
                cast(null as {{ dbt.type_string() }}) as value,
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
            select {{ entity }}_id, rule_id, attribute, value, points
            from known_lines
            union all
            select {{ entity }}_id, rule_id, attribute, value, points
            from unknown_lines
        )

    select *
    from final
{% endmacro %}
