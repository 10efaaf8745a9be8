with
    source as (select * from {{ source("raw_hubspot", "email_events") }}),

    renamed as (
        select
            id as event_id,
            upper(type) as event_type,
            created_at as event_at,
            {{ blank_to_null("recipient") }} as email_raw,
            campaign_id,
            url,
            coalesce(is_machine, false) as is_machine,
            upper(portal_subscription_status) as subscription_status,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
