with
    source as (select * from {{ source("raw_ops", "ingest_loads") }}),

    renamed as (
        select
            load_id,
            source,
            entity,
            rows_read,
            rows_loaded,
            rows_quarantined,
            requests,
            seconds,
            started_at,
            finished_at,
        from source
    )

select *
from renamed
