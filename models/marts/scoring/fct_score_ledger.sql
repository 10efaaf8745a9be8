with
    contact_lines as (select * from {{ ref("int_contact_score_lines") }}),
    account_lines as (select * from {{ ref("int_account_score_lines") }}),
    texts as (select * from {{ ref("int_rule_texts") }}),
    versions as (select * from {{ ref("int_ruleset_version") }}),

    lines as (
        select
            'contact' as entity_type,
            contact_id as entity_id,
            account_id,
            score_kind,
            rule_id,
            evidence_count,
            last_evidence_at,
            evidence_value,
            raw_points,
            decayed_points,
            cap,
            points
        from contact_lines

        union all

        select
            'account' as entity_type,
            account_id as entity_id,
            account_id,
            score_kind,
            rule_id,
            evidence_count,
            last_evidence_at,
            evidence_value,
            raw_points,
            decayed_points,
            cap,
            points
        from account_lines
    ),

    final as (
        select
            {{ hash_key(["lines.entity_type", "lines.entity_id", "lines.score_kind", "lines.rule_id"]) }} as ledger_id,
            lines.entity_type,
            lines.entity_id,
            lines.account_id,
            lines.score_kind,
            lines.rule_id,
            lines.evidence_count,
            lines.last_evidence_at,
            lines.raw_points,
            cast(lines.decayed_points - lines.raw_points as decimal(18, 6)) as decay_points,
            lines.decayed_points,
            cast(lines.cap as decimal(12, 4)) as cap,
            lines.points,
            {% for language, suffix in [("en", ""), ("pt", "_pt")] %}
                {{
                    fill_reason(
                        "texts.reason_" ~ language,
                        "lines.evidence_count",
                        "case when lines.score_kind in ('fit', 'exclusion', 'cap') then null else lines.last_evidence_at end",
                        "lines.evidence_value",
                        "texts.needed",
                        language,
                    )
                }}
                as reason{{ suffix }},
            {% endfor %}
            {{ as_of() }} as as_of_at,
            versions.ruleset_version,
            versions.code_version
        from lines
        inner join texts on lines.rule_id = texts.rule_id and (lines.score_kind = 'cap') = texts.is_cap
        cross join versions
    )

select *
from final
