with
    source as (select * from {{ source("raw_files", "opportunities") }}),

    renamed as (
        select
            source,
            record_id,
            {{ blank_to_null("name") }} as name,
            {{ blank_to_null("account_ref") }} as account_ref,
            {{ blank_to_null("contact_ref") }} as contact_ref,
            {{ blank_to_null("owner_ref") }} as owner_ref,
            {{ blank_to_null("product_ref") }} as product_ref,
            {{ blank_to_null("pipeline") }} as pipeline,
            {{ blank_to_null("stage") }} as stage,
            {{ to_decimal("amount", 2) }} as amount,
            {{ blank_to_null("amount") }} as amount_raw,
            upper({{ blank_to_null("currency") }}) as currency,
            created_at,
            closed_at,
            extra,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
