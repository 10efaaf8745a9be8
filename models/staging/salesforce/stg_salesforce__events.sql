with
    source as (select * from {{ source("raw_salesforce", "event") }}),

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
            {{ provided("subject") }} as title,
            {{ parse_utc("start_date_time") }} as started_at,
            {{ parse_utc("end_date_time") }} as ended_at,
            {{ parse_utc(json_text("properties", "Activity_At__c")) }} as activity_at,
            {{ blank_to_null("type") }} as type,
            {{ blank_to_null("outcome_c") }} as outcome,
            {{ blank_to_null("who_id") }} as who_id,
            {{ blank_to_null("what_id") }} as what_id,
            {{ blank_to_null("owner_id") }} as owner_id,
            upper({{ blank_to_null("record_source_c") }}) as record_source,
            {{ blank_to_null("external_id_c") }} as external_id,
            properties,
            _loaded_at as loaded_at,
        from source
    )

select *
from renamed
