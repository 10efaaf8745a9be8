with
    source as (select * from {{ source("raw_hubspot", "property_history") }}),

    renamed as (
        select
            lower(object_type) as object_type,
            object_id,
            property,
            case
                property
                when 'hubspot_owner_id'
                then 'owner_id'
                when 'lifecyclestage'
                then 'lifecycle_stage'
                when 'hs_lead_status'
                then 'lead_status'
                when 'dealstage'
                then 'stage'
            end as field,
            {{ blank_to_null("value") }} as value,
            changed_at,
            upper(source_type) as source_type,
            source_id,
            updated_by_user_id,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
