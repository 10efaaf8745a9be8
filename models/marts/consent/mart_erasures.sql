-- The proof of each erasure. Nothing here says who was erased: the hash answers only to who holds the key.
with
    erasures as (select * from {{ ref("stg_ops__erasures") }}),

    final as (
        select erasure_id, requested_at, finished_at, state, requested_by, reason, email_hash, key_id, counts
        from erasures
    )

select *
from final
