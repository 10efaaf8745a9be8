-- Which linking identifiers the contested records bear, with how strong each is.
with
    contested as (select record_key from {{ ref("int_identity_contested_records") }}),

    identifiers as (
        select record_key, identifier_type, identifier_value, identifier_hash
        from {{ ref("int_contact_identifiers") }}
        where record_key in (select record_key from contested)
        union all
        select record_key, identifier_type, identifier_value, identifier_hash
        from {{ ref("int_device_identifiers") }}
        where record_key in (select record_key from contested)
    ),

    shared as (select * from {{ ref("int_shared_identifiers") }} where is_linking),

    final as (
        select
            identifiers.record_key,
            identifiers.identifier_type,
            identifiers.identifier_value,
            shared.rank,
            shared.names_must_agree
        from identifiers
        inner join
            shared
            on identifiers.identifier_hash = shared.identifier_hash
            and identifiers.identifier_type = shared.identifier_type
            and identifiers.identifier_value = shared.identifier_value
    )

select *
from final
