-- Nobody is lost between the dimensions and the scores (a score outside all bands would be).
select contacts.contact_id as entity_id
from {{ ref("dim_contacts") }} as contacts
left join {{ ref("fct_contact_scores") }} as scores on contacts.contact_id = scores.contact_id
where scores.contact_id is null
union all
select accounts.account_id as entity_id
from {{ ref("dim_accounts") }} as accounts
left join {{ ref("fct_account_scores") }} as scores on accounts.account_id = scores.account_id
where scores.account_id is null
