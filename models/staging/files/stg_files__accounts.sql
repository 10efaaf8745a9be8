with
    source as (select * from {{ source("raw_files", "accounts") }}),

    renamed as (
        select
            source,
            record_id,
            {{ blank_to_null("name") }} as name,
            {{ blank_to_null("domain") }} as domain_raw,
            {{ blank_to_null("parent_ref") }} as parent_ref,
            {{ blank_to_null("industry") }} as industry,
            {{ blank_to_null("activity_code") }} as activity_code,
            upper({{ blank_to_null("activity_code_system") }}) as activity_code_system,
            {{ blank_to_null("country") }} as country_raw,
            cast({{ to_decimal("employee_count", 0) }} as bigint) as employee_count,
            {{ to_decimal("annual_revenue", 2) }} as annual_revenue,
            upper({{ blank_to_null("revenue_currency") }}) as revenue_currency,
            {{ blank_to_null("owner_ref") }} as owner_ref,
            created_at,
            extra,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
