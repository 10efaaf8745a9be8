with
    source as (select * from {{ source("raw_files", "owners") }}),

    renamed as (
        select
            source,
            record_id,
            {{ blank_to_null("name") }} as name,
            lower({{ blank_to_null("email") }}) as email,
            {{ blank_to_null("manager") }} as manager,
            {{ blank_to_null("team") }} as team,
            extra,
            _source_file as source_file,
            _source_row as source_row,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
