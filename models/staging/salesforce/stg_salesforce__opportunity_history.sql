with
    source as (select * from {{ source("raw_salesforce", "opportunityhistory") }}),

    renamed as (
        select
            id as record_id,
            created_at,
            updated_at,
            system_modstamp,
            created_by_id,
            last_modified_by_id,
            coalesce(is_deleted, false) as is_archived,
            deleted_at as archived_at,
            {{ blank_to_null("opportunity_id") }} as opportunity_id,
            {{ blank_to_null("stage_name") }} as stage,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
