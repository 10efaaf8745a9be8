-- Who works a lead: the owner that the CRM names where they still work there, else the account's, else one of the team.
-- A team's leads go to the owner whose hash with the account is lowest, so that a new or departed colleague moves their
-- own share only, and everybody of one account goes to one colleague.
with
    current_routes as (select * from {{ ref("int_routes") }} where is_current),

    facts as (select * from {{ ref("int_lead_facts") }}),

    owners as (select * from {{ ref("int_crm_owners") }} where not is_archived),

    teams as (select * from {{ ref("sales_teams") }}),

    routes as (select * from {{ ref("routes") }} where assigns_owner),

    named_owners as (
        select team, priority, part as owner_id from {{ split_rows("teams", "owners", "|") }} as parts where part != '*'
    ),

    team_owners as (
        select named_owners.team, named_owners.priority, owners.owner_id
        from named_owners
        inner join owners on named_owners.owner_id = owners.owner_id
        union all
        select teams.team, teams.priority, owners.owner_id
        from teams
        cross join owners
        where teams.owners = '*'
    ),

    -- A team that nobody works in any more takes no leads.
    staffed_teams as (select * from teams where priority in (select priority from team_owners)),

    standing as (
        select
            current_routes.contact_id,
            current_routes.route,
            current_routes.segment,
            facts.country,
            coalesce(facts.account_id, facts.contact_id) as shared_key,
            contact_owners.owner_id as contact_owner_id,
            account_owners.owner_id as account_owner_id
        from current_routes
        inner join routes on current_routes.route = routes.route
        inner join facts on current_routes.contact_id = facts.contact_id
        left join owners as contact_owners on facts.contact_owner_id = contact_owners.owner_id
        left join owners as account_owners on facts.account_owner_id = account_owners.owner_id
    ),

    first_teams as (
        select standing.contact_id, standing.shared_key, min(staffed_teams.priority) as priority
        from standing
        inner join
            staffed_teams
            on {{
                conditions_hold(
                    "staffed_teams",
                    lists={
                        "routes": "standing.route",
                        "segments": "standing.segment",
                        "countries": "standing.country",
                    },
                )
            }}
        where standing.contact_owner_id is null and standing.account_owner_id is null
        group by standing.contact_id, standing.shared_key
    ),

    questions as (select distinct shared_key, priority from first_teams),

    drawn as (
        select
            questions.shared_key,
            questions.priority,
            team_owners.team,
            team_owners.owner_id,
            row_number() over (
                partition by questions.shared_key, questions.priority
                order by {{ hash_key(["questions.shared_key", "team_owners.owner_id"]) }}, team_owners.owner_id
            ) as turn
        from questions
        inner join team_owners on questions.priority = team_owners.priority
    ),

    final as (
        select
            standing.contact_id,
            coalesce(standing.contact_owner_id, standing.account_owner_id, drawn.owner_id) as owner_id,
            case
                when standing.contact_owner_id is not null
                then 'crm_contact'
                when standing.account_owner_id is not null
                then 'crm_account'
                when drawn.owner_id is not null
                then 'team'
                else 'nobody'
            end as owner_source,
            drawn.team
        from standing
        left join first_teams on standing.contact_id = first_teams.contact_id
        left join
            drawn
            on first_teams.shared_key = drawn.shared_key
            and first_teams.priority = drawn.priority
            and drawn.turn = 1
    )

select *
from final
