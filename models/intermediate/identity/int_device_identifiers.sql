-- The browsers and devices that persons of events were seen on. They are identifiers of a person only where the rules
-- trust
-- them; by default they carry history, not identity, and this is empty.
with
    devices as (select * from {{ ref("int_device_people") }}),

    records as (select * from {{ ref("int_contact_records") }} where source = 'events' and quarantine_reason is null),

    trusted as (select * from {{ ref("identifier_rules") }} where identifier_type = 'anonymous_id' and is_trusted),

    final as (
        select
            records.record_key,
            trusted.identifier_type,
            devices.anonymous_id as identifier_value,
            {{ row_fingerprint(["trusted.identifier_type", "devices.anonymous_id"]) }} as identifier_hash
        from devices
        cross join trusted
        inner join records on devices.person_record_id = records.record_id
    )

select *
from final
