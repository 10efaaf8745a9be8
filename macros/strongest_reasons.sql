{#
    A query with the three strongest rules of each entity in words, in both languages: columns <id>, reason_1..3,
    reason_1_pt..3_pt. A signal and its cap count together; strength is the size of the net points, whatever their sign. An
    exclusion comes first: it decides more than any points.

    lines: relation of score lines (<id>, score_kind, rule_id, evidence_count, last_evidence_at, evidence_value, points).
    id_column: name of the entity's key.
#}
{% macro strongest_reasons(lines, id_column) -%}
    with
        lines as (select * from {{ lines }}),
        texts as (select * from {{ ref("int_rule_texts") }} where not is_cap),

        net as (
            select
                {{ id_column }},
                rule_id,
                sum(points) as points,
                max(evidence_count) as evidence_count,
                -- When a company was described matters less than what happened when.
                max(case when score_kind not in ('fit', 'exclusion') then last_evidence_at end) as last_evidence_at,
                max(case when score_kind = 'exclusion' then 1 else 0 end) as is_exclusion,
                max(case when score_kind != 'cap' then evidence_value end) as evidence_value
            from lines
            group by {{ id_column }}, rule_id
        ),

        ranked as (
            select
                *,
                row_number() over (
                    partition by {{ id_column }} order by is_exclusion desc, abs(points) desc, rule_id
                ) as strength
            from net
            where points != 0 or is_exclusion = 1
        ),

        worded as (
            select
                ranked.{{ id_column }},
                ranked.strength,
                {% for language in ["en", "pt"] %}
                    {{
                        fill_reason(
                            "texts.reason_" ~ language,
                            "ranked.evidence_count",
                            "ranked.last_evidence_at",
                            "ranked.evidence_value",
                            "texts.needed",
                            language,
                        )
                    }} || case
                        when ranked.is_exclusion = 1 then '' else {{ signed_points("ranked.points") }}
                    end as reason_{{ language }}
                    {% if not loop.last %},{% endif %}
                {% endfor %}
            from ranked
            inner join texts on ranked.rule_id = texts.rule_id
            where ranked.strength <= 3
        )

    select
        {{ id_column }},
        {% for number in [1, 2, 3] %}
            max(case when strength = {{ number }} then reason_en end) as reason_{{ number }},
            max(case when strength = {{ number }} then reason_pt end) as reason_{{ number }}_pt
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from worded
    group by {{ id_column }}
{%- endmacro %}
