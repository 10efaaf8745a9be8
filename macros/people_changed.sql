{#
    A query: by `object_id`, the JSON object `people_changed` of the last change of each property: when a person made it, null
    where a program did.

    changes: name of a CTE with `object_id`, `property`, `changed_at`, `is_persons` and `recency` (1 = the last of its property).
#}
{% macro people_changed(changes) -%}
    select object_id, '{' || {{ dbt.listagg("change", "','", "order by change") }} || '}' as people_changed
    from
        (
            select
                object_id,
                '"'
                || property
                || '":'
                || case
                    when is_persons
                    then '"' || replace(cast(changed_at as {{ dbt.type_string() }}), ' ', 'T') || 'Z"'
                    else 'null'
                end as change
            from {{ changes }}
            where recency = 1 and changed_at is not null
        ) as last_changes
    group by object_id
{%- endmacro %}
