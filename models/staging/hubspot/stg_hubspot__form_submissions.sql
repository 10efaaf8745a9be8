with
    source as (select * from {{ source("raw_hubspot", "form_submissions") }}),

    renamed as (
        select
            submission_id,
            form_id,
            submitted_at,
            {{ blank_to_null("email") }} as email_raw,
            page_url,
            answers,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
