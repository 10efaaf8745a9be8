-- People who are open leads: in a stage that goes on or set aside, or in none yet, and free to be contacted.
with
    facts as (select * from {{ ref("int_lead_facts") }}),

    stages as (select * from {{ ref("lifecycle_stages") }}),

    gate as (select contact_id, segment, reason_code from {{ ref("fct_handoff_gate") }}),

    zones as (select * from {{ ref("int_contact_time_zones") }}),

    call_windows as (select * from {{ ref("int_next_call_windows") }}),

    routing as (select contact_id, route, owner_id from {{ ref("fct_routing") }} where is_current),

    missing as (
        select account_id, {{ dbt.listagg("buying_role", "'|'", "order by buying_role") }} as missing_role_codes
        from {{ ref("mart_committee") }}
        where is_missing
        group by account_id
    ),

    final as (
        select
            facts.contact_id,
            facts.account_id,
            facts.language,
            facts.has_email,
            facts.has_phone,
            facts.stage,
            facts.grade,
            facts.buying_role,
            facts.open_request_group as request_group,
            gate.segment,
            gate.reason_code as gate_reason,
            routing.route,
            routing.owner_id,
            missing.missing_role_codes,
            call_windows.next_window_start_at as call_window_start_at,
            call_windows.next_window_end_at as call_window_end_at
        from facts
        inner join gate on facts.contact_id = gate.contact_id
        inner join routing on facts.contact_id = routing.contact_id
        left join stages on facts.stage = stages.stage
        left join zones on facts.contact_id = zones.contact_id
        left join
            call_windows
            on coalesce(zones.country, '?') = call_windows.country
            and zones.time_zone = call_windows.time_zone
            and zones.calendar = call_windows.calendar
        left join missing on facts.account_id = missing.account_id
        where
            not facts.is_opted_out
            and not facts.is_archived_in_crm
            and facts.exclusion_reason is null
            and coalesce(stages.kind, 'start') in ('start', 'stage', 'aside')
    )

select *
from final
