with
    source as (select * from {{ source("raw_ops", "sync_plans") }}),

    renamed as (
        select
            plan_id,
            created_at as planned_at,
            expires_at,
            status,
            build_id,
            ruleset_version,
            published_at,
            total_changes,
            summary,
        from source
    )

select *
from renamed
