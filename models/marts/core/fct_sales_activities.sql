-- One row per contact of an activity: a call with three people is three activities of three contacts, with one
-- source_record_id.
with
    activities as (select * from {{ ref("int_sales_activities") }} where quarantine_reason is null),

    associations as (select * from {{ ref("int_record_associations") }} where to_object = 'contacts'),

    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),

    participants as (
        select distinct associations.source, associations.from_object, associations.from_id, crm_ids.contact_id
        from associations
        inner join crm_ids on associations.source = crm_ids.source and associations.to_id = crm_ids.record_id
        where associations.from_object in ('calls', 'meetings', 'emails', 'tasks')
    ),

    final as (
        select
            {{ hash_key(["activities.activity_type", "activities.record_id", "participants.contact_id"]) }}
            as activity_id,
            activities.source,
            activities.record_id as source_record_id,
            participants.contact_id,
            activities.owner_id,
            activities.activity_type,
            activities.direction,
            activities.outcome,
            activities.outcome_class,
            activities.is_human_contact,
            activities.is_attempt,
            activities.activity_at,
            activities.created_at,
            activities.title,
            activities.duration_ms,
            activities.is_automated
        from activities
        left join
            participants
            on activities.source = participants.source
            and activities.activity_type || 's' = participants.from_object
            and activities.record_id = participants.from_id
    )

select *
from final
