with
    memberships as (select * from {{ ref("stg_hubspot__list_memberships") }}),

    final as (
        select list_id, record_id, max(added_at) as added_at, max(loaded_at) as read_at
        from memberships
        group by list_id, record_id
    )

select *
from final
