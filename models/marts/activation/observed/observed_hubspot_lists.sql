with
    lists as (select * from {{ ref("stg_hubspot__lists") }}),

    final as (
        select
            list_id,
            list_name,
            case
                object_type_id
                when '0-1'
                then 'contacts'
                when '0-2'
                then 'companies'
                when '0-3'
                then 'deals'
                else object_type_id
            end as object_type,
            processing_type,
            loaded_at as read_at
        from lists
    )

select *
from final
