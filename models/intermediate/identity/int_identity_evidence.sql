-- Everything that joins two records of one contact now, with the reason in words: shared identifiers, matched pairs,
-- decisions.
-- An identifier that many records bear links each of them to one other, not all to all.
with
    links as (select * from {{ ref("int_identity_links") }}),

    contested as (select record_key from {{ ref("int_identity_contested_records") }}),

    -- Keys of their own for what each kind is explained by: plain columns keep the joins below hash joins.
    verdicts as (
        select
            *,
            case when kind = 'pair' then least(record_key, linked_record_key) end as pair_key_l,
            case when kind = 'pair' then greatest(record_key, linked_record_key) end as pair_key_r,
            case when kind = 'decision' then identifier_value end as decision_id
        from {{ ref("int_identity_verdicts") }}
        where verdict = 'linked'
    ),

    pairs as (select * from {{ ref("int_identity_pairs") }}),

    decisions as (select * from {{ ref("int_identity_decisions") }}),

    undisputed as (
        select
            'identifier' as kind,
            record_key,
            linked_record_key,
            identifier_type,
            identifier_value,
            cast(null as decimal(9, 4)) as match_weight,
            'Both bear it.' as reason
        from links
        where record_key not in (select record_key from contested)
    ),

    resolved as (
        select
            verdicts.kind,
            verdicts.record_key,
            verdicts.linked_record_key,
            verdicts.identifier_type,
            verdicts.identifier_value,
            verdicts.match_weight,
            coalesce(pairs.explanation || ' ', '') || verdicts.reason || coalesce(' ' || decisions.note, '') as reason
        from verdicts
        left join pairs on verdicts.pair_key_l = pairs.record_key_l and verdicts.pair_key_r = pairs.record_key_r
        left join decisions on verdicts.decision_id = decisions.decision_id
    ),

    final as (
        select *
        from undisputed
        union all
        select *
        from resolved
    )

select *
from final
