-- What people decided about two records, the smaller key first. A decision about a record that is not there (any
-- more) waits
-- for it and is reported.
with
    decisions as (select * from {{ ref("identity_decisions") }}),

    records as (select record_key from {{ ref("int_contact_records") }} where quarantine_reason is null),

    keyed as (
        select
            *,
            {{ hash_key(["source_a", "record_id_a"]) }} as record_key_a,
            {{ hash_key(["source_b", "record_id_b"]) }} as record_key_b
        from decisions
    ),

    final as (
        select
            keyed.decision_id,
            keyed.decision,
            least(keyed.record_key_a, keyed.record_key_b) as record_key_l,
            greatest(keyed.record_key_a, keyed.record_key_b) as record_key_r,
            keyed.source_a,
            keyed.record_id_a,
            keyed.source_b,
            keyed.record_id_b,
            records_a.record_key is not null as is_known_a,
            records_b.record_key is not null as is_known_b,
            records_a.record_key is not null and records_b.record_key is not null as is_in_force,
            keyed.decided_by,
            keyed.decided_on,
            keyed.note
        from keyed
        left join records as records_a on keyed.record_key_a = records_a.record_key
        left join records as records_b on keyed.record_key_b = records_b.record_key
    )

select *
from final
