with
    source as (select * from {{ source("raw_enrichment", "companies") }}),

    renamed as (
        select
            {{ blank_to_null("domain") }} as domain_raw,
            {{ blank_to_null("company_name") }} as name,
            cast({{ to_decimal("employee_count", 0) }} as bigint) as employee_count,
            {{ to_decimal("annual_revenue", 2) }} as annual_revenue,
            upper({{ blank_to_null("revenue_currency") }}) as revenue_currency,
            {{ blank_to_null("activity_code") }} as activity_code,
            upper({{ blank_to_null("activity_code_system") }}) as activity_code_system,
            {{ blank_to_null("country") }} as country_raw,
            lower(provider) as provider,
            enriched_at,
            cost,
            upper(cost_currency) as cost_currency,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
