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

    keyed as (
        select
            lines.*,
            score_kind = 'cap' as is_cap,
            -- The date of a fact or of a limit is a column, not part of the words.
            case
                when score_kind in ('fit', 'exclusion', 'cap') then null else cast(last_evidence_at as date)
            end as told_on
        from lines
    ),

    -- Many lines say the same (viewed the pricing page twice, last on 30 October): each sentence is made once.
    sentences as (
        select
            said.rule_id,
            said.is_cap,
            said.evidence_count,
            said.told_on,
            said.evidence_value,
            {% for language, suffix in [("en", ""), ("pt", "_pt")] %}
                {{
                    fill_reason(
                        "texts.reason_" ~ language,
                        "said.evidence_count",
                        "said.told_on",
                        "said.evidence_value",
                        "texts.needed",
                        language,
                    )
                }} as reason{{ suffix }} {%- if not loop.last %},{% endif %}
            {% endfor %}
        from (select distinct rule_id, is_cap, evidence_count, told_on, evidence_value from keyed) as said
        inner join texts on said.rule_id = texts.rule_id and said.is_cap = texts.is_cap
    ),

    final as (
        select
            {{ hash_key(["keyed.entity_type", "keyed.entity_id", "keyed.score_kind", "keyed.rule_id"]) }} as ledger_id,
            keyed.entity_type,
            keyed.entity_id,
            keyed.account_id,
            keyed.score_kind,
            keyed.rule_id,
            keyed.evidence_count,
            keyed.last_evidence_at,
            keyed.raw_points,
            cast(keyed.decayed_points - keyed.raw_points as decimal(18, 6)) as decay_points,
            keyed.decayed_points,
            cast(keyed.cap as decimal(12, 4)) as cap,
            keyed.points,
            sentences.reason,
            sentences.reason_pt,
            {{ as_of() }} as as_of_at,
            versions.ruleset_version,
            versions.code_version
        from keyed
        inner join
            sentences
            on keyed.rule_id = sentences.rule_id
            and keyed.is_cap = sentences.is_cap
            and keyed.evidence_count = sentences.evidence_count
            and keyed.told_on is not distinct from sentences.told_on
            and keyed.evidence_value is not distinct from sentences.evidence_value
        cross join versions
    )

select *
from final
