with
    shared as (select * from {{ ref("int_shared_identifiers") }}),

    final as (
        select identifier_type, identifier_value, record_count, max_records
        from shared
        where is_trusted and is_over_limit
    )

select *
from final
