{{ config(severity="warn") }}

-- Owners of sales_teams.csv are active users of the CRM; the leads of others would go to their colleagues.
select teams.team, teams.part as owner_id
from {{ split_rows(ref("sales_teams"), "owners", "|") }} as teams
left join {{ ref("int_crm_owners") }} as owners on teams.part = owners.owner_id and not owners.is_archived
where teams.part != '*' and owners.owner_id is null
