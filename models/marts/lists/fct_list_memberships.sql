-- Since when each person is or was on each list, and why they came and left, as builds up to as_of saw it.
with
    changes as (
        select * from {{ ref("int_list_changes") }} where change in ('enter', 'leave') and observed_at <= {{ as_of() }}
    ),

    paired as (
        select
            *,
            lead(observed_at) over (partition by list_name, contact_id order by change_number) as left_at,
            lead(reason_code) over (partition by list_name, contact_id order by change_number) as exit_code,
            lead(reason) over (partition by list_name, contact_id order by change_number) as exit_reason,
            lead(reason_pt) over (partition by list_name, contact_id order by change_number) as exit_reason_pt
        from changes
    ),

    final as (
        select
            change_id as membership_id,
            list_name,
            contact_id,
            observed_at as valid_from,
            left_at as valid_to,
            left_at is null as is_current,
            reason as enter_reason,
            reason_pt as enter_reason_pt,
            exit_code,
            exit_reason,
            exit_reason_pt,
            list_version
        from paired
        where change = 'enter'
    )

select *
from final
