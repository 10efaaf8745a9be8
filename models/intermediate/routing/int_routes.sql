-- Which route each contact was on and since when. Stages have a history, gates and segments do not: a spell that is
-- over
-- is routed by its stage, by today's segment and as though the gate had been passed; the current one by today's gate.
with
    facts as (select * from {{ ref("int_lead_facts") }}),

    segments as (select * from {{ ref("int_contact_segments") }}),

    gate as (select * from {{ ref("fct_handoff_gate") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    rules as (select * from {{ ref("routing_rules") }}),

    ordered as (
        select
            contact_id,
            to_stage as stage,
            transition_number,
            transition_at as valid_from,
            lead(transition_at) over (partition by contact_id order by transition_number) as valid_to
        from transitions
    ),

    spells as (
        -- Several moves at one moment: only the last of them is a spell.
        select contact_id, stage, transition_number, valid_from, valid_to
        from ordered
        where valid_to is null or valid_to > valid_from
        union all
        select
            contact_id,
            cast(null as {{ dbt.type_string() }}) as stage,
            0 as transition_number,
            coalesce(created_at, {{ as_of() }}) as valid_from,
            cast(null as {{ dbt.type_timestamp() }}) as valid_to
        from facts
        where stage is null
    ),

    asked as (
        select
            spells.contact_id,
            spells.stage,
            spells.transition_number,
            spells.valid_from,
            spells.valid_to,
            spells.valid_to is null as is_current,
            segments.segment,
            case when spells.valid_to is null and not gate.passed then 'held' else 'passed' end as gate,
            case when spells.valid_to is null then gate.reason_code end as gate_reason,
            facts.open_request_group as request_group,
            facts.grade
        from spells
        inner join facts on spells.contact_id = facts.contact_id
        inner join segments on spells.contact_id = segments.contact_id
        inner join gate on spells.contact_id = gate.contact_id
    ),

    first_rules as (
        select asked.contact_id, asked.transition_number, min(rules.priority) as priority
        from asked
        inner join
            rules
            on {{
                conditions_hold(
                    "rules",
                    lists={
                        "stages": "asked.stage",
                        "segments": "asked.segment",
                        "gate": "asked.gate",
                        "gate_reasons": "asked.gate_reason",
                        "request_groups": "asked.request_group",
                        "grades": "asked.grade",
                    },
                )
            }}
        group by asked.contact_id, asked.transition_number
    ),

    routed as (
        select
            asked.contact_id,
            asked.segment,
            asked.transition_number,
            asked.valid_from,
            asked.valid_to,
            rules.route,
            rules.priority as rule_priority,
            rules.reason_en as reason,
            rules.reason_pt,
            lag(rules.route) over (partition by asked.contact_id order by asked.transition_number) as previous_route
        from asked
        inner join
            first_rules
            on asked.contact_id = first_rules.contact_id
            and asked.transition_number = first_rules.transition_number
        inner join rules on first_rules.priority = rules.priority
    ),

    -- Spells in a row on one route are one; what was said last is what holds.
    grouped as (
        select
            *,
            sum(case when previous_route = route then 0 else 1 end) over (
                partition by contact_id order by transition_number rows unbounded preceding
            ) as route_number
        from routed
    ),

    numbered as (
        select
            *,
            min(valid_from) over (partition by contact_id, route_number) as route_from,
            row_number() over (partition by contact_id, route_number order by transition_number desc) as recency
        from grouped
    ),

    final as (
        select
            contact_id,
            cast(route_number as integer) as route_number,
            segment,
            route,
            route_from as valid_from,
            valid_to,
            valid_to is null as is_current,
            rule_priority,
            reason,
            reason_pt
        from numbered
        where recency = 1
    )

select *
from final
