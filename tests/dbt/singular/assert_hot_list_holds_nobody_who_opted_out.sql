-- A suppressed person is on no list.
select hot.record_id, hot.contact_id
from {{ ref("list_hot_accounts_contacts") }} as hot
inner join {{ ref("dim_contacts") }} as contacts on hot.contact_id = contacts.contact_id
where contacts.is_opted_out
