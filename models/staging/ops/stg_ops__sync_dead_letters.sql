with
    source as (select * from {{ source("raw_ops", "sync_dead_letters") }}),

    renamed as (
        select
            write_id,
            plan_id,
            sync,
            destination,
            object,
            sync_key,
            record_id,
            action,
            error_kind,
            error_message,
            state,
            first_refused_at,
            resolved_at,
        from source
    )

select *
from renamed
