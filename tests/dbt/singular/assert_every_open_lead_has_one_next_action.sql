-- Every open lead has exactly one next action, and nobody else has one (R76).
select coalesce(leads.contact_id, actions.contact_id) as contact_id, count(actions.contact_id) as actions
from {{ ref("int_open_leads") }} as leads
full outer join {{ ref("mart_next_action") }} as actions on leads.contact_id = actions.contact_id
group by coalesce(leads.contact_id, actions.contact_id)
having count(actions.contact_id) != 1 or count(leads.contact_id) != 1
