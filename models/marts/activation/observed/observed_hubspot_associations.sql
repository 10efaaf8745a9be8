with
    associations as (select * from {{ ref("stg_hubspot__associations") }}),

    final as (
        select from_object, from_id, to_object, to_id, max(loaded_at) as read_at
        from associations
        where to_id is not null
        group by from_object, from_id, to_object, to_id
    )

select *
from final
