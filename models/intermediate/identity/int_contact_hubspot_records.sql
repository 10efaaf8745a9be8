-- The CRM's live records of each contact. A duplicate in the CRM has several; writes of contact-level facts go to all,
-- creation and lists look at the primary one: the oldest.
with
    records as (select * from {{ ref("int_contact_records") }} where source = 'hubspot' and not is_archived),

    ids as (select * from {{ ref("int_hubspot_contact_ids") }} where not is_merged_away),

    final as (
        select
            records.record_id,
            ids.contact_id,
            row_number() over (partition by ids.contact_id order by records.created_at, records.record_id)
            = 1 as is_primary
        from records
        inner join ids on records.record_id = ids.hubspot_id
    )

select *
from final
