with
    companies as (select * from {{ ref("stg_hubspot__companies") }}),

    merged_away as (
        select distinct part as record_id from {{ split_rows("companies", "merged_record_ids") }} as merged
    ),

    final as (
        select
            companies.record_id,
            companies.properties,
            -- An id that the CRM merged into another one takes no writes of its own.
            companies.is_archived or merged_away.record_id is not null as is_archived,
            companies.loaded_at as read_at
        from companies
        left join merged_away on companies.record_id = merged_away.record_id
    )

select *
from final
