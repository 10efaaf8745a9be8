-- Which records of which CRM are of one person: an opt-out on one counts for all.
with
    records as (select * from {{ ref("int_contact_crm_records") }}),

    final as (select source as destination, object, record_id, contact_id, is_primary from records)

select *
from final
