with
    source as (select * from {{ source("raw_hubspot", "deals") }}),

    renamed as (
        select
            id as record_id,
            coalesce({{ parse_utc("property_createdate") }}, created_at) as created_at,
            coalesce({{ parse_utc("property_hs_lastmodifieddate") }}, updated_at) as updated_at,
            coalesce(archived, false) as is_archived,
            archived_at,
            {{ blank_to_null("property_dealname") }} as name,
            {{ to_decimal("property_amount", 2) }} as amount,
            {{ blank_to_null("property_amount") }} as amount_raw,
            upper({{ blank_to_null("property_deal_currency_code") }}) as currency,
            {{ blank_to_null("property_pipeline") }} as pipeline,
            {{ blank_to_null("property_dealstage") }} as stage,
            {{ parse_utc("property_closedate") }} as closed_at,
            {{ blank_to_null("property_hubspot_owner_id") }} as owner_id,
            {{ to_boolean("property_hs_is_closed") }} as is_closed,
            {{ to_boolean("property_hs_is_closed_won") }} as is_closed_won,
            {{ blank_to_null("property_dealtype") }} as deal_type,
            {{ blank_to_null("property_closed_lost_reason") }} as lost_reason,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
