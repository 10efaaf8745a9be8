with
    evidence as (select * from {{ ref("int_intent_evidence") }}),
    intent_rules as (select * from {{ ref("intent_rules") }}),
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),

    rules as (
        select *, part as evidence_value, coalesce(evidence_details, '*') as details
        from {{ split_rows("intent_rules", "evidence_values", "|") }} as listed
    ),

    -- The details belong to the group: a rule for other forms must not hide one for this form.
    matches as (
        {{
            first_rules(
                "rules",
                "evidence",
                ["intent_kind", "details", "evidence_kind", "evidence_value"],
                ["evidence_kind", "evidence_value"],
            )
        }}
    ),

    met as (
        select
            evidence.*,
            matches.intent_kind,
            matches.rule_id,
            row_number() over (
                partition by
                    evidence.contact_id,
                    matches.intent_kind,
                    evidence.source,
                    evidence.source_record_id,
                    evidence.evidence_at
                order by intent_rules.priority, evidence.evidence_kind, evidence.evidence_value, evidence.stated_value
            ) as choice
        from evidence
        inner join
            matches
            on evidence.evidence_kind = matches.evidence_kind
            and evidence.evidence_value = matches.evidence_value
            and evidence.value_key = matches.value_key
        inner join intent_rules on matches.rule_id = intent_rules.rule_id
        where matches.details = '*' or {{ in_list("evidence.evidence_detail", "matches.details") }}
    ),

    final as (
        select
            {{
                hash_key(
                    ["met.contact_id", "met.intent_kind", "met.source", "met.source_record_id", "met.evidence_at"]
                )
            }} as intent_event_id,
            met.contact_id,
            contacts.account_id,
            met.evidence_at as intent_at,
            met.intent_kind,
            intent_rules.is_buying_intent,
            met.source,
            met.source_record_id,
            replace(intent_rules.reason_en, '{value}', coalesce(met.stated_value, '')) as evidence,
            replace(intent_rules.reason_pt, '{value}', coalesce(met.stated_value, '')) as evidence_pt,
            met.rule_id
        from met
        inner join intent_rules on met.rule_id = intent_rules.rule_id
        inner join contacts on met.contact_id = contacts.contact_id
        where met.choice = 1
    )

select *
from final
