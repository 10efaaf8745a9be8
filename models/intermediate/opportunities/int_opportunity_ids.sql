with
    records as (select * from {{ ref("int_opportunity_records") }}),

    final as (
        select
            {{ hash_key(["'opportunity'", "source", "record_id"]) }} as opportunity_id,
            source,
            record_id,
            case when is_archived then 'archived_in_source' end as quarantine_reason
        from records
    )

select *
from final
