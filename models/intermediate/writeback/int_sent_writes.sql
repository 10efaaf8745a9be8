-- What was sent to a CRM, record by record, with how late it came: from the publication of the build that computed the
-- value to the CRM's acknowledgement. What was found to be there already (match) was not sent.
with
    writes as (select * from {{ ref("stg_ops__sync_writes") }} where action != 'match'),

    plans as (select * from {{ ref("stg_ops__sync_plans") }}),

    final as (
        select
            writes.write_id,
            writes.run_id,
            writes.sync,
            writes.outcome,
            writes.error_kind,
            writes.acknowledged_at,
            case
                when writes.outcome = 'written'
                then {{ seconds_between("plans.published_at", "writes.acknowledged_at") }}
            end as delay_seconds
        from writes
        left join plans on writes.plan_id = plans.plan_id
    )

select *
from final
