-- The route of every contact, now and before.
with
    routes as (select * from {{ ref("int_routes") }}),

    owners as (select * from {{ ref("int_route_owners") }}),

    facts as (select contact_id, account_id from {{ ref("int_lead_facts") }}),

    final as (
        select
            {{ hash_key(["routes.contact_id", "routes.route_number"]) }} as routing_id,
            routes.contact_id,
            facts.account_id,
            routes.route_number,
            routes.route,
            routes.segment,
            -- Who works a lead now is known; who did before is not.
            case when routes.is_current then owners.owner_id end as owner_id,
            case when routes.is_current then owners.owner_source end as owner_source,
            case when routes.is_current then owners.team end as team,
            routes.valid_from,
            routes.valid_to,
            routes.is_current,
            routes.rule_priority,
            routes.reason,
            routes.reason_pt
        from routes
        inner join facts on routes.contact_id = facts.contact_id
        left join owners on routes.contact_id = owners.contact_id
    )

select *
from final
