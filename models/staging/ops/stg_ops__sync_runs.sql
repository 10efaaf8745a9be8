with
    source as (select * from {{ source("raw_ops", "sync_runs") }}),

    renamed as (
        select run_id, plan_id, sync, status, started_at, finished_at, requests, written, rejected, message, from source
    )

select *
from renamed
