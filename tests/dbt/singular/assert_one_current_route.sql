-- Every contact is on exactly one route now (R17).
select contacts.contact_id, count(routing.contact_id) as current_routes
from {{ ref("dim_contacts") }} as contacts
left join {{ ref("fct_routing") }} as routing on contacts.contact_id = routing.contact_id and routing.is_current
group by contacts.contact_id
having count(routing.contact_id) != 1
