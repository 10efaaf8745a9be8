{#
    One row per entry into the stage in which marketing hands a lead over (handoff_moves.csv), with what led to it, whose it
    became and the contract it is under. What sales does about it lies in its window: from the lead's entry to the entry that
    led to the next hand-over, so that no attempt belongs to two.
-#}
{%- set look_back = dbt.dateadd(
    "day",
    "-cast(" ~ setting("entry_lookback_days", "contract_settings") ~ " as integer)",
    "entered.mql_at",
) -%}

with
    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    moves as (select * from {{ ref("handoff_moves") }} where meaning = 'handed_over'),

    contacts as (select * from {{ ref("dim_contacts") }}),

    zones as (select * from {{ ref("int_contact_time_zones") }}),

    touches as (select * from {{ ref("fct_touches") }} where contact_id is not null),

    entries as (select * from {{ ref("lead_entries") }}),

    requests as (select * from {{ ref("fct_contact_requests") }}),

    contracts as (select * from {{ ref("sla_contracts") }}),

    calendars as (select * from {{ ref("business_calendars") }}),

    property_history as (
        select *
        from {{ ref("int_crm_property_history") }}
        where field = 'owner_id' and object_type = 'contacts' and value is not null
    ),

    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),

    handed_over as (
        select
            transitions.transition_id as handoff_id,
            transitions.contact_id,
            transitions.account_id,
            transitions.transition_number,
            transitions.transition_at as mql_at,
            transitions.reason,
            transitions.evidence,
            row_number() over (
                partition by transitions.contact_id order by transitions.transition_number
            ) as handoff_number,
            lag(transitions.transition_at) over (
                partition by transitions.contact_id order by transitions.transition_number
            ) as previous_mql_at,
            lead(transitions.transition_at) over (
                partition by transitions.contact_id order by transitions.transition_number
            ) as next_mql_at,
            lead(transitions.transition_number) over (
                partition by transitions.contact_id order by transitions.transition_number
            ) as next_transition_number
        from transitions
        inner join
            moves
            on transitions.to_stage = moves.to_stage
            and (moves.from_stage is null or transitions.from_stage = moves.from_stage)
    ),

    entry_touches as (
        select touches.contact_id, touches.touch_at as entered_at, entries.entry_kind, entries.is_request
        from touches
        inner join
            entries
            on touches.touch_type = entries.touch_type
            and (entries.signal_detail is null or touches.signal_detail = entries.signal_detail)
        union all
        select contact_id, created_at as entered_at, 'capture' as entry_kind, false as is_request
        from contacts
        where created_at is not null
    ),

    -- Whoever asked to be contacted waits since then, whatever they read afterwards.
    ranked_entries as (
        select
            handed_over.handoff_id,
            entry_touches.entered_at,
            entry_touches.entry_kind,
            row_number() over (
                partition by handed_over.handoff_id
                order by
                    case when entry_touches.is_request then 0 else 1 end,
                    entry_touches.entered_at desc,
                    case when entry_touches.entry_kind = 'capture' then 1 else 0 end,
                    entry_touches.entry_kind
            ) as choice
        from handed_over
        inner join
            entry_touches
            on handed_over.contact_id = entry_touches.contact_id
            and entry_touches.entered_at <= handed_over.mql_at
            and entry_touches.entered_at >= {{ look_back | replace("entered.", "handed_over.") }}
            and (handed_over.previous_mql_at is null or entry_touches.entered_at > handed_over.previous_mql_at)
    ),

    entered as (
        select
            handed_over.*,
            coalesce(ranked_entries.entered_at, handed_over.mql_at) as lead_entered_at,
            coalesce(ranked_entries.entry_kind, 'score') as entry_kind
        from handed_over
        left join ranked_entries on handed_over.handoff_id = ranked_entries.handoff_id and ranked_entries.choice = 1
    ),

    -- What the latest request of the look-back tells of readiness.
    ranked_requests as (
        select
            entered.handoff_id,
            requests.request_group,
            row_number() over (
                partition by entered.handoff_id order by requests.requested_at desc, requests.request_id
            ) as choice
        from entered
        inner join
            requests
            on entered.contact_id = requests.contact_id
            and requests.requested_at <= entered.mql_at
            and requests.requested_at >= {{ look_back }}
            and (entered.previous_mql_at is null or requests.requested_at > entered.previous_mql_at)
    ),

    windowed as (
        select
            entered.*, lead(lead_entered_at) over (partition by contact_id order by transition_number) as window_ends_at
        from entered
    ),

    owner_changes as (
        select crm_ids.contact_id, property_history.value as owner_id, property_history.changed_at
        from property_history
        inner join
            crm_ids on property_history.source = crm_ids.source and property_history.object_id = crm_ids.record_id
        where property_history.changed_at <= {{ as_of() }}
    ),

    -- The last owner from before the lead came in, and the first who was set for it.
    owners as (
        select
            windowed.handoff_id,
            owner_changes.owner_id,
            owner_changes.changed_at,
            owner_changes.changed_at < windowed.lead_entered_at as is_earlier,
            row_number() over (
                partition by windowed.handoff_id, owner_changes.changed_at < windowed.lead_entered_at
                order by
                    case
                        when owner_changes.changed_at < windowed.lead_entered_at then owner_changes.changed_at
                    end desc,
                    owner_changes.changed_at,
                    owner_changes.owner_id
            ) as choice
        from windowed
        inner join
            owner_changes
            on windowed.contact_id = owner_changes.contact_id
            and (windowed.window_ends_at is null or owner_changes.changed_at < windowed.window_ends_at)
    ),

    assigned as (
        select
            handoff_id,
            max(case when is_earlier then owner_id end) as earlier_owner_id,
            max(case when not is_earlier then owner_id end) as set_owner_id,
            max(case when not is_earlier then changed_at end) as set_at
        from owners
        where choice = 1
        group by handoff_id
    ),

    located as (
        select
            windowed.*,
            ranked_requests.request_group,
            contacts.buying_role,
            zones.country,
            zones.time_zone,
            zones.calendar,
            -- Owned before: sales could begin at the hand-over. Nobody's at all: not assigned.
            case
                when assigned.earlier_owner_id is not null
                then windowed.mql_at
                when assigned.set_at is not null
                then assigned.set_at
                when contacts.owner_id is not null
                then windowed.mql_at
            end as assigned_at,
            coalesce(assigned.set_owner_id, assigned.earlier_owner_id, contacts.owner_id) as owner_id
        from windowed
        inner join contacts on windowed.contact_id = contacts.contact_id
        inner join zones on windowed.contact_id = zones.contact_id
        left join assigned on windowed.handoff_id = assigned.handoff_id
        left join ranked_requests on windowed.handoff_id = ranked_requests.handoff_id and ranked_requests.choice = 1
    ),

    -- The newest version of a contract that was valid at the hand-over, and of several the first by priority.
    valid_versions as (
        select
            located.handoff_id,
            contracts.contract_id,
            contracts.version,
            contracts.priority,
            row_number() over (
                partition by located.handoff_id, contracts.contract_id
                order by contracts.valid_from desc, contracts.version desc
            ) as age
        from located
        inner join contracts on cast(located.mql_at as date) >= contracts.valid_from
    ),

    ranked_contracts as (
        select
            located.handoff_id,
            contracts.contract_id,
            contracts.version,
            contracts.segment,
            contracts.calendar,
            row_number() over (
                partition by located.handoff_id order by contracts.priority, contracts.contract_id
            ) as choice
        from located
        inner join valid_versions on located.handoff_id = valid_versions.handoff_id and valid_versions.age = 1
        inner join
            contracts
            on valid_versions.contract_id = contracts.contract_id
            and valid_versions.version = contracts.version
        where
            (contracts.entry_kinds is null or {{ in_list("located.entry_kind", "contracts.entry_kinds") }})
            and (contracts.request_groups is null or {{ in_list("located.request_group", "contracts.request_groups") }})
            and (contracts.countries is null or {{ in_list("located.country", "contracts.countries") }})
            and (contracts.buying_roles is null or {{ in_list("located.buying_role", "contracts.buying_roles") }})
    ),

    final as (
        select
            located.handoff_id,
            located.contact_id,
            located.account_id,
            cast(located.handoff_number as integer) as handoff_number,
            located.transition_number,
            located.next_transition_number,
            located.mql_at,
            located.lead_entered_at,
            located.entry_kind,
            located.request_group,
            located.assigned_at,
            located.owner_id,
            ranked_contracts.segment,
            ranked_contracts.contract_id,
            ranked_contracts.version as contract_version,
            located.country,
            located.time_zone,
            coalesce(ranked_contracts.calendar, located.calendar) as calendar,
            coalesce(calendars.time_zone, located.time_zone) as calendar_time_zone,
            located.reason,
            located.evidence,
            located.window_ends_at,
            located.next_mql_at
        from located
        left join ranked_contracts on located.handoff_id = ranked_contracts.handoff_id and ranked_contracts.choice = 1
        left join calendars on coalesce(ranked_contracts.calendar, located.calendar) = calendars.calendar
    )

select *
from final
