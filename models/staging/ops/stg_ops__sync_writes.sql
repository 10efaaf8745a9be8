with
    source as (select * from {{ source("raw_ops", "sync_writes") }}),

    renamed as (
        select
            write_id,
            run_id,
            plan_id,
            sync,
            destination,
            object,
            sync_key,
            record_id,
            action,
            fields,
            outcome,
            error_kind,
            error_message,
            acknowledged_at,
            batch_id,
            previous,
            reason,
        from source
    )

select *
from renamed
