with
    statements as (select * from {{ ref("int_stated_values") }}),
    rules as (select * from {{ ref("bant_rules") }}),
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),

    matches as (
        {{ first_rules("rules", "statements", ["dimension", "source_kind", "field"], ["source_kind", "field"]) }}
    ),

    facts as (
        select
            statements.contact_id,
            contacts.account_id,
            rules.dimension,
            statements.value,
            statements.stated_at,
            statements.source,
            statements.source_kind,
            statements.source_record_id,
            statements.field,
            rules.rule_id,
            replace(rules.reason_en, '{value}', statements.value) as reason,
            replace(rules.reason_pt, '{value}', statements.value) as reason_pt,
            {{
                hash_key(
                    [
                        "statements.contact_id",
                        "rules.dimension",
                        "statements.source_kind",
                        "statements.source",
                        "statements.source_record_id",
                        "statements.field",
                        "statements.stated_at",
                    ]
                )
            }} as bant_fact_id
        from statements
        inner join
            matches
            on statements.source_kind = matches.source_kind
            and statements.field = matches.field
            and statements.value_key = matches.value_key
        inner join rules on matches.rule_id = rules.rule_id
        inner join contacts on statements.contact_id = contacts.contact_id
    ),

    final as (
        select
            bant_fact_id,
            contact_id,
            account_id,
            dimension,
            value,
            stated_at,
            source,
            source_kind,
            source_record_id,
            rule_id,
            reason,
            reason_pt,
            row_number() over (partition by contact_id, dimension order by stated_at desc, bant_fact_id desc)
            = 1 as is_latest
        from facts
    )

select *
from final
