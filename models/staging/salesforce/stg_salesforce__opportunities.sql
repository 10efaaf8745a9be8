with
    source as (select * from {{ source("raw_salesforce", "opportunity") }}),

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
            {{ provided("name") }} as name,
            {{ to_decimal("amount", 2) }} as amount,
            {{ blank_to_null("amount") }} as amount_raw,
            upper({{ blank_to_null("currency_iso_code") }}) as currency,
            {{ blank_to_null("pipeline_c") }} as pipeline,
            {{ blank_to_null("stage_name") }} as stage,
            -- An opportunity closes on a day; where the org keeps the moment, that counts.
            coalesce(
                {{ parse_utc(json_text("properties", "Closed_At__c")) }}, {{ parse_utc("close_date") }}
            ) as closed_at,
            {{ to_boolean("is_closed") }} as is_closed,
            {{ to_boolean("is_won") }} as is_closed_won,
            {{ blank_to_null("type") }} as deal_type,
            {{ blank_to_null("loss_reason_c") }} as lost_reason,
            {{ blank_to_null("account_id") }} as account_id,
            {{ blank_to_null("contact_id") }} as contact_id,
            {{ blank_to_null("owner_id") }} as owner_id,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
