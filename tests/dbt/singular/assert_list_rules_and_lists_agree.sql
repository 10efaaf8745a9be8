-- Every row of list_rules.csv is the rule of a list, and every list that asks for its rule has one: without, it would
-- be
-- empty and nobody would know why.
with
    ruled as (
        {% for smart_list in smart_lists() if smart_list.is_ruled %}
            select '{{ smart_list.name }}' as list_name
            {% if not loop.last %}
                union all
            {% endif %}
        {% else %}select cast(null as {{ dbt.type_string() }}) as list_name
        {% endfor %}
    )

select ruled.list_name as list_without_rule, rules.list_name as rule_without_list
from (select * from ruled where list_name is not null) as ruled
full outer join {{ ref("list_rules") }} as rules on ruled.list_name = rules.list_name
where ruled.list_name is null or rules.list_name is null
