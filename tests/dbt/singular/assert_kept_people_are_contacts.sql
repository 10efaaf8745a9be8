-- A contact is named after exactly one kept record, so that the kept people of all sources are the contacts.
with
    kept as (
        select coalesce(sum(kept), 0) as people
        from {{ ref("mart_record_conservation") }}
        where entity in ('contacts', 'people', 'form_submissions')
    ),

    contacts as (select count(*) as people from {{ ref("dim_contacts") }})

select kept.people as kept_people, contacts.people as contact_count
from kept
cross join contacts
where kept.people != contacts.people
