-- What to do next with every open lead: who, by which channel, with which message, from when on, and why (R76). The
-- first
-- rule whose conditions hold and whose channel can be used: the person has it and is not over its pressure.
with
    leads as (select * from {{ ref("int_open_leads") }}),

    rules as (select * from {{ ref("next_action_rules") }}),

    pressure as (select * from {{ ref("mart_contact_pressure") }}),

    together as (select * from pressure where channel = 'all'),

    -- A lead beside every channel it can be reached by, and `none`, which always is.
    channels as (
        select leads.contact_id, pressure.channel, pressure.status, pressure.last_touch_at, pressure.next_allowed_at
        from leads
        inner join pressure on leads.contact_id = pressure.contact_id
        where
            case pressure.channel when 'all' then false when 'email' then leads.has_email else leads.has_phone end
            and pressure.status != 'over'
            and pressure.next_allowed_at is not null
    ),

    usable as (
        select
            channels.contact_id,
            channels.channel,
            channels.status,
            channels.last_touch_at,
            greatest(
                channels.next_allowed_at, coalesce(together.next_allowed_at, channels.next_allowed_at)
            ) as next_allowed_at
        from channels
        left join together on channels.contact_id = together.contact_id
        where together.contact_id is null or (together.status != 'over' and together.next_allowed_at is not null)
        union all
        select
            contact_id,
            'none' as channel,
            cast(null as {{ dbt.type_string() }}) as status,
            cast(null as {{ dbt.type_timestamp() }}) as last_touch_at,
            cast(null as {{ dbt.type_timestamp() }}) as next_allowed_at
        from leads
    ),

    first_rules as (
        select leads.contact_id, min(rules.priority) as priority
        from leads
        inner join usable on leads.contact_id = usable.contact_id
        inner join
            rules
            on usable.channel = rules.channel
            and {{
                conditions_hold(
                    "rules",
                    lists={
                        "stages": "leads.stage",
                        "routes": "leads.route",
                        "segments": "leads.segment",
                        "request_groups": "leads.request_group",
                        "grades": "leads.grade",
                        "buying_roles": "leads.buying_role",
                        "gate_reasons": "leads.gate_reason",
                        "pressure": "usable.status",
                    },
                )
            }}
            and (rules.missing_role is null or {{ in_list("rules.missing_role", "leads.missing_role_codes") }})
        group by leads.contact_id
    ),

    timed as (
        select
            first_rules.contact_id,
            first_rules.priority,
            usable.status,
            case
                when rules.channel != 'none'
                then
                    greatest(
                        {{ as_of() }},
                        usable.next_allowed_at,
                        coalesce({{ dbt.dateadd("hour", "rules.wait_hours", "usable.last_touch_at") }}, {{ as_of() }})
                    )
            end as allowed_at
        from first_rules
        inner join rules on first_rules.priority = rules.priority
        inner join usable on first_rules.contact_id = usable.contact_id and rules.channel = usable.channel
    ),

    final as (
        select
            leads.contact_id,
            leads.account_id,
            leads.stage,
            leads.route,
            rules.actor,
            case when rules.actor = 'owner' then leads.owner_id end as owner_id,
            rules.channel,
            rules.message_key,
            leads.language,
            -- Only the next window is known: a call that is allowed after it closes keeps its own moment.
            case
                when rules.in_call_window and timed.allowed_at < leads.call_window_end_at
                then greatest(timed.allowed_at, leads.call_window_start_at)
                else timed.allowed_at
            end as action_at,
            timed.status as pressure_status,
            rules.priority as rule_priority,
            rules.reason_en as reason,
            rules.reason_pt,
            {{ as_of() }} as as_of_at
        from leads
        inner join timed on leads.contact_id = timed.contact_id
        inner join rules on timed.priority = rules.priority
    )

select *
from final
