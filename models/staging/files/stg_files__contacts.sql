with
    source as (select * from {{ source("raw_files", "contacts") }}),

    renamed as (
        select
            source,
            record_id,
            {{ blank_to_null("email") }} as email_raw,
            {{ blank_to_null("first_name") }} as first_name,
            {{ blank_to_null("last_name") }} as last_name,
            {{ blank_to_null("phone") }} as phone_raw,
            {{ blank_to_null("job_title") }} as job_title,
            {{ blank_to_null("account_ref") }} as account_ref,
            {{ blank_to_null("country") }} as country_raw,
            lower({{ blank_to_null("language") }}) as language,
            lower({{ blank_to_null("lifecycle_stage") }}) as lifecycle_stage,
            upper({{ blank_to_null("lead_status") }}) as lead_status,
            {{ blank_to_null("owner_ref") }} as owner_ref,
            coalesce({{ to_boolean("email_optout") }}, false) as is_opted_out,
            created_at,
            updated_at,
            extra,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
