-- Opportunities of every source in one shape, archived ones included.
with
    -- Not the CRM's own moment of modification, which our writes move: when the deal last changed its stage.
    stage_changes as (
        select source, object_id, max(changed_at) as staged_at
        from {{ ref("int_crm_property_history") }}
        where object_type = 'deals' and field = 'stage' and not is_own_write
        group by source, object_id
    ),

    crm as (
        select
            deals.source,
            record_id,
            name,
            pipeline,
            stage,
            cast(null as {{ dbt.type_string() }}) as product_ref,
            owner_id,
            amount,
            amount_raw,
            currency,
            created_at,
            closed_at,
            coalesce(stage_changes.staged_at, created_at) as updated_at,
            lost_reason,
            is_archived,
            cast(null as {{ dbt.type_string() }}) as account_ref,
            cast(null as {{ dbt.type_string() }}) as contact_ref
        from {{ ref("int_crm_deals") }} as deals
        left join stage_changes on deals.source = stage_changes.source and deals.record_id = stage_changes.object_id
    ),

    files as (
        select
            source,
            record_id,
            name,
            pipeline,
            stage,
            product_ref,
            owner_ref as owner_id,
            amount,
            amount_raw,
            currency,
            created_at,
            closed_at,
            coalesce(closed_at, created_at) as updated_at,
            cast(null as {{ dbt.type_string() }}) as lost_reason,
            false as is_archived,
            account_ref,
            contact_ref
        from {{ ref("stg_files__opportunities") }}
    ),

    final as (
        select *
        from crm
        union all
        select *
        from files
    )

select *
from final
