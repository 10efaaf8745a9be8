-- Opportunities of every source in one shape, archived ones included.
with
    crm as (
        select
            source,
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
            updated_at,
            lost_reason,
            is_archived,
            cast(null as {{ dbt.type_string() }}) as account_ref,
            cast(null as {{ dbt.type_string() }}) as contact_ref
        from {{ ref("int_crm_deals") }}
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
