with
    source as (select * from {{ source("raw_quarantine", "records") }}),

    renamed as (
        select source, entity, record_id, file, row_number, field, reason_code, reason, record, _loaded_at as loaded_at,
        from source
    )

select *
from renamed
