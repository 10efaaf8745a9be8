with
    owners as (select * from {{ ref("int_crm_owners") }}),

    final as (
        select
            source,
            owner_id,
            nullif(trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')), '') as owner_name,
            coalesce(is_archived, false) as is_archived
        from owners
    )

select *
from final
