-- Opportunities are never merged.
with
    opportunities as (select * from {{ ref("stg_salesforce__opportunities") }}),

    final as (
        select
            record_id,
            properties,
            is_archived,
            loaded_at as read_at,
            cast(null as {{ dbt.type_string() }}) as merged_into,
            '{}' as people_changed
        from opportunities
    )

select *
from final
