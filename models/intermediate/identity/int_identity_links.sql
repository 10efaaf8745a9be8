-- A star per shared identifier: each record is linked to the first one, which joins all of them without listing pairs.
with
    identifiers as (
        select record_key, identifier_type, identifier_value, identifier_hash
        from {{ ref("int_contact_identifiers") }}
        union all
        select record_key, identifier_type, identifier_value, identifier_hash
        from {{ ref("int_device_identifiers") }}
    ),

    shared as (select * from {{ ref("int_shared_identifiers") }} where is_linking),

    final as (
        select
            identifiers.record_key,
            shared.anchor_key as linked_record_key,
            shared.identifier_type,
            shared.identifier_value
        from identifiers
        inner join
            shared
            on identifiers.identifier_hash = shared.identifier_hash
            and identifiers.identifier_type = shared.identifier_type
            and identifiers.identifier_value = shared.identifier_value
        where identifiers.record_key != shared.anchor_key
    )

select *
from final
