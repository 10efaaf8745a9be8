{#
    A query: which rule the facts meet that are known: columns attribute, value, rule_id. A rule is there once for a value,
    however many codes of it meet the rule.

    Rules are compared with distinct values, not with every row: a million entities have few distinct facts.
    facts: name of a CTE with attribute and value.
    rules: name of a CTE with rule_id, attribute, operator and value.
#}
{% macro fit_rule_hits(facts, rules) -%}
    select known.attribute, known.value, rules.rule_id
    from
        (
            select distinct attribute, value from {{ facts }} where attribute in (select attribute from {{ rules }})
        ) as known
    inner join {{ rules }} as rules on known.attribute = rules.attribute
    where {{ fit_rule_matches("known.value", "rules.operator", "rules.value") }}
    union
    select known.attribute, known.value, rules.rule_id
    from (select distinct attribute, value from {{ facts }} where attribute = 'activity_code') as known
    inner join
        (select * from {{ ref("int_activity_code_matches") }} where is_met) as codes
        on {{ plain_code("known.value") }} = codes.activity_code
    inner join {{ rules }} as rules on codes.rule_id = rules.rule_id and known.attribute = rules.attribute
{%- endmacro %}
