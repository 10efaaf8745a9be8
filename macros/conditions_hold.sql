{#
    Whether the facts of a row meet every condition of a rule row: an empty cell of the rule is no condition; a fact that
    is not known meets none. First match wins is then the lowest priority of those that hold.

    rules: name of the relation of rules.
    lists: column of the rules (`one|two`) to SQL expression of the fact (text).
    at_least, below: column of the rules (a number) to SQL expression of the fact; the lower bound belongs to the range,
        the upper does not.
#}
{% macro conditions_hold(rules, lists={}, at_least={}, below={}) -%}
    {%- set conditions = [] -%}
    {%- for column, fact in lists.items() -%}
        {%- set cell = rules ~ "." ~ column -%}
        {%- do conditions.append("(" ~ cell ~ " is null or " ~ in_list(fact, cell) ~ ")") -%}
    {%- endfor -%}
    {%- for column, fact in at_least.items() -%}
        {%- set cell = rules ~ "." ~ column -%}
        {%- do conditions.append("(" ~ cell ~ " is null or coalesce(" ~ fact ~ " >= " ~ cell ~ ", false))") -%}
    {%- endfor -%}
    {%- for column, fact in below.items() -%}
        {%- set cell = rules ~ "." ~ column -%}
        {%- do conditions.append("(" ~ cell ~ " is null or coalesce(" ~ fact ~ " < " ~ cell ~ ", false))") -%}
    {%- endfor -%}
    ({{ conditions | join(" and ") }})
{%- endmacro %}
