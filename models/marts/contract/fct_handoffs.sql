with
    handoffs as (select * from {{ ref("int_handoffs") }}),

    final as (
        select
            handoff_id,
            contact_id,
            account_id,
            handoff_number,
            mql_at,
            lead_entered_at,
            entry_kind,
            request_group,
            assigned_at,
            owner_id,
            segment,
            contract_id,
            contract_version,
            country,
            time_zone,
            calendar,
            calendar_time_zone,
            reason,
            evidence,
            window_ends_at,
            next_mql_at
        from handoffs
    )

select *
from final
