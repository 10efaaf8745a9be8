with
    records as (select * from {{ ref("int_contact_records") }}),

    used as (
        select first_name_key as name_key, count(*) as as_first, 0 as as_last
        from records
        where first_name_key is not null
        group by first_name_key
        union all
        select last_name_key as name_key, 0 as as_first, count(*) as as_last
        from records
        where last_name_key is not null
        group by last_name_key
    ),

    final as (
        select name_key, cast(sum(as_first) as bigint) as as_first, cast(sum(as_last) as bigint) as as_last
        from used
        group by name_key
    )

select *
from final
