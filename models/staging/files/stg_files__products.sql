with
    source as (select * from {{ source("raw_files", "products") }}),

    renamed as (
        select
            source,
            record_id,
            {{ blank_to_null("name") }} as name,
            {{ blank_to_null("series") }} as series,
            {{ to_decimal("list_price", 2) }} as list_price,
            upper({{ blank_to_null("currency") }}) as currency,
            extra,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
