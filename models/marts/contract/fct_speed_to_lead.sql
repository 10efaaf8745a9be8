{%- set target_at = add_microseconds(
    "lead_entered_at", setting("speed_target_minutes", "contract_settings") ~ " * 60000000"
) -%}

with
    facts as (select * from {{ ref("int_handoff_facts") }}),

    final as (
        select
            handoff_id,
            contact_id,
            contract_id,
            segment,
            owner_id,
            mql_at,
            lead_entered_at as captured_at,
            assigned_at,
            first_automatic_at,
            first_attempt_at,
            {{ seconds_between("lead_entered_at", "first_attempt_at") }} as clock_seconds,
            business_seconds,
            {{ seconds_between("lead_entered_at", "taken_up_at") }} as system_clock_seconds,
            system_business_seconds,
            {{ seconds_between("taken_up_at", "first_attempt_at") }} as human_clock_seconds,
            human_business_seconds,
            -- Undecided until it happened or the time is over.
            case
                when first_attempt_at <= {{ target_at }}
                then true
                when coalesce(first_attempt_at, {{ as_of() }}) > {{ target_at }}
                then false
            end as is_within_target,
            case
                when first_attempt_at <= first_contact_due_at
                then true
                when coalesce(first_attempt_at, {{ as_of() }}) > first_contact_due_at
                then false
            end as is_within_contract
        from facts
    )

select *
from final
