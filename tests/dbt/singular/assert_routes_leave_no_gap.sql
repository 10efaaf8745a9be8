-- A lead is on a route from its first stage on, without a gap: nobody waits between two of them (R56).
with
    ordered as (
        select
            contact_id,
            route_number,
            valid_from,
            valid_to,
            lead(valid_from) over (partition by contact_id order by route_number) as next_from
        from {{ ref("fct_routing") }}
    ),

    first_stages as (
        select contact_id, min(transition_at) as first_at from {{ ref("fct_stage_transitions") }} group by contact_id
    )

select ordered.contact_id, ordered.route_number, ordered.valid_to, ordered.next_from
from ordered
left join first_stages on ordered.contact_id = first_stages.contact_id
where
    ordered.valid_to is distinct from ordered.next_from
    or (ordered.route_number = 1 and ordered.valid_from > first_stages.first_at)
