{#
    A query: records of one Salesforce object as last read, with what the planner asks of them: the record that a merged one
    became, and which fields a person changed last (of fields whose history is kept; null where a program was the last).

    records: name of the staging model.
    history: name of the staging model of the object's field history; none = the org keeps none.
    history_id: its column that names the record.
#}
{% macro observed_salesforce(records, history=none, history_id=none) -%}
    with
        records as (select * from {{ ref(records) }}),

        {% if history is not none %}
            users as (select user_id, is_machine from {{ ref("int_salesforce_users") }}),

            changes as (
                select
                    history.{{ history_id }} as object_id,
                    history.field as property,
                    history.created_at as changed_at,
                    not coalesce(users.is_machine, false) as is_persons,
                    row_number() over (
                        partition by history.{{ history_id }}, history.field
                        order by history.created_at desc, history.record_id desc
                    ) as recency
                from {{ ref(history) }} as history
                left join users on history.created_by_id = users.user_id
                where history.created_at is not null
            ),

            people as ({{ people_changed("changes") }}),
        {% endif %}

        final as (
            select
                records.record_id,
                records.properties,
                records.is_archived,
                records.loaded_at as read_at,
                records.master_record_id as merged_into,
                {% if history is not none %} coalesce(people.people_changed, '{}')
                {% else %} '{}'
                {% endif %} as people_changed
            from records
            {% if history is not none %} left join people on records.record_id = people.object_id {% endif %}
        )
{%- endmacro %}
