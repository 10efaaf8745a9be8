{#
    The first exclusion, by priority, that an entity's own facts meet.

    entity: 'contact' or 'account'. Grain: entity (only those excluded).
#}
{% macro fit_exclusions(entity) %}
    with
        facts as (select * from {{ ref("int_" ~ entity ~ "_fit_facts") }}),
        fit_exclusions as (select * from {{ ref("fit_exclusions") }} where entity = '{{ entity }}'),

        hits as ({{ fit_rule_hits("facts", "fit_exclusions") }}),

        ranked as (
            select
                facts.{{ entity }}_id,
                fit_exclusions.priority,
                fit_exclusions.rule_id,
                fit_exclusions.reason_code,
                facts.value,
                facts.stated_at,
                row_number() over (partition by facts.{{ entity }}_id order by fit_exclusions.priority) as place
            from facts
            inner join hits on facts.attribute = hits.attribute and facts.value = hits.value
            inner join fit_exclusions on hits.rule_id = fit_exclusions.rule_id
        ),

        final as (select {{ entity }}_id, priority, rule_id, reason_code, value, stated_at from ranked where place = 1)

    select *
    from final
{% endmacro %}
