with
    source as (select * from {{ source("raw_ops", "erasures") }}),

    renamed as (
        select erasure_id, email_hash, key_id, reason, requested_by, requested_at, finished_at, state, counts,
        from source
    )

select *
from renamed
