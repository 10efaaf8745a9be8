{#
    A query: the facts of an entity that are known well enough to be scored. A code that meets no rule but could meet one if more
    of it were known is not.

    entity: 'contact' or 'account'.
#}
{% macro known_fit_facts(entity) %}
    {%- if entity == "account" %}
        select facts.account_id, facts.attribute
        from {{ ref("int_account_fit_facts") }} as facts
        left join
            (
                select activity_code
                from {{ ref("int_activity_code_matches") }}
                where rule_id in (select rule_id from {{ ref("fit_rules") }})
                group by activity_code
                having max(case when is_met then 1 else 0 end) = 0
            ) as undecided
            on facts.attribute = 'activity_code'
            and {{ plain_code("facts.value") }} = undecided.activity_code
        where undecided.activity_code is null
    {%- else %} select contact_id, attribute from {{ ref("int_contact_fit_facts") }}
    {%- endif %}
{%- endmacro %}
