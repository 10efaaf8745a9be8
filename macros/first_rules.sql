{#
    A query with the first rule of each group that a stated value meets: columns <group_columns>, value_key, rule_id. Rules
    without a pattern take any value.

    Compared with distinct values, and the expressions of a group in one call, so that each is compiled once a batch.
    rules: name of a CTE with priority, rule_id, value_pattern and the group columns.
    statements: name of a CTE with value_key and the columns of statement_columns.
    group_columns: what makes a group; statement_columns: those of them that a statement must share.
#}
{% macro first_rules(rules, statements, group_columns, statement_columns) -%}
    select {% for column in group_columns %} found.{{ column }}, {% endfor %} found.value_key, numbered.rule_id
    from
        (
            select
                {% for column in group_columns %} patterns.{{ column }}, {% endfor %}
                known.value_key,
                {{ first_match("known.value_key", "patterns.in_order") }} as rule_number
            from (select distinct {{ statement_columns | join(", ") }}, value_key from {{ statements }}) as known
            inner join
                (
                    select
                        {{ group_columns | join(", ") }},
                        {{ dbt.listagg("coalesce(value_pattern, '')", "chr(31)", "order by priority") }} as in_order
                    from {{ rules }}
                    group by {{ group_columns | join(", ") }}
                ) as patterns
                on {% for column in statement_columns -%}
                    known.{{ column }} = patterns.{{ column }}{% if not loop.last %} and {% endif %}
                {%- endfor %}
        ) as found
    inner join
        (
            select
                {{ group_columns | join(", ") }},
                rule_id,
                row_number() over (partition by {{ group_columns | join(", ") }} order by priority) as rule_number
            from {{ rules }}
        ) as numbered
        on found.rule_number = numbered.rule_number
        {% for column in group_columns -%} and found.{{ column }} = numbered.{{ column }} {% endfor -%}
{%- endmacro %}
