{#
    Decides, for each entity and field, which value survives (R20), by the order of criteria in
    seeds/survivorship_rules.csv. Losing values stay, with the reason they lost. A query with the columns asked for plus
    is_surviving, lost_because (the first criterion in which the value is behind the survivor; `tie` where it is behind in
    none: the record key decides, always the same way) and agrees (whether it says what the survivor says).

    Criteria: validity (seeds/value_quality.csv, by quality_status), live (live records before archived ones), precedence
    (seeds/source_precedence.csv), leading (the record that leads its entity first), recency (newest first, to the
    millisecond, without a date last), completeness (most characters first).

    relation: name of a CTE with id_column, field, value, value_source, source, as_of, record_key, quality_status,
        is_live, is_leading. Leave out the values of entities with one record: there is nothing to decide or to sort.
    entity: contact or account.
    id_column: name of the entity's id.
    columns: list of further columns of the relation to keep.
#}
{% macro surviving_values(relation, entity, id_column, columns=[]) %}
    {%- set steps = range(1, 7) -%}
    {%- set kept = [id_column, "field", "value", "value_source", "source", "as_of", "record_key"] + columns -%}
    {%- set keys = [] -%}
    {%- for step in steps -%} {%- do keys.append("key_" ~ step) -%} {%- endfor -%}
    {%- set window -%}
        over (partition by {{ id_column }}, field order by {{ keys | join(", ") }}, record_key, value)
    {%- endset -%}
    select
        {{ kept | join(", ") }},
        place = 1 as is_surviving,
        case
            when place = 1
            then null
            {% for step in steps %} when key_{{ step }} != best_{{ step }} then criterion_{{ step }} {% endfor %}
            else 'tie'
        end as lost_because,
        value = best_value as agrees
    from
        (
            select
                keyed.*,
                row_number() {{ window }} as place,
                first_value(value) {{ window }} as best_value,
                {% for step in steps %}
                    first_value(key_{{ step }}) {{ window }} as best_{{ step }}{{ "," if not loop.last }}
                {% endfor %}
            from
                (
                    select
                        measured.*,
                        {% for step in steps %}
                            orders.criterion_{{ step }},
                            case
                                orders.criterion_{{ step }}
                                when 'validity'
                                then measured.quality
                                when 'live'
                                then measured.archived
                                when 'precedence'
                                then measured.precedence
                                when 'leading'
                                then measured.following
                                when 'recency'
                                then measured.age
                                when 'completeness'
                                then measured.brevity
                                else 0
                            end as key_{{ step }}{{ "," if not loop.last }}
                        {% endfor %}
                    from
                        (
                            select
                                rivals.*,
                                cast(coalesce(qualities.quality, 0) as bigint) as quality,
                                cast(case when rivals.is_live then 0 else 1 end as bigint) as archived,
                                -- A source that no rule names comes last.
                                cast(coalesce(precedences.precedence, 1000000) as bigint) as precedence,
                                cast(case when rivals.is_leading then 0 else 1 end as bigint) as following,
                                case
                                    when rivals.as_of is null
                                    then cast(1 as bigint)
                                    else
                                        -1 * cast(
                                            {{
                                                dbt.datediff(
                                                    "cast('1900-01-01 00:00:00' as timestamp)",
                                                    "rivals.as_of",
                                                    "millisecond",
                                                )
                                            }} as bigint
                                        )
                                end as age,
                                -1 * cast(length(rivals.value) as bigint) as brevity
                            from {{ relation }} as rivals
                            left join
                                ({{ source_precedence_of(relation, entity) }}) as precedences
                                on rivals.field = precedences.field
                                and rivals.value_source = precedences.value_source
                                and rivals.source = precedences.source
                            left join
                                ({{ value_quality_of(relation, entity) }}) as qualities
                                on rivals.field = qualities.field
                                and rivals.quality_status = qualities.quality_status
                        ) as measured
                    inner join
                        ({{ survivorship_order_of(relation, entity, steps) }}) as orders
                        on measured.field = orders.field
                ) as keyed
        ) as placed
{% endmacro %}
