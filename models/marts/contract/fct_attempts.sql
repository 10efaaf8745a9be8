-- Machines' attempts stand beside people's, without a number: they are touches, never an answer (R44, R49).
with
    handoffs as (select * from {{ ref("int_handoffs") }}),

    activities as (
        select *
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and is_attempt and activity_at <= {{ as_of() }}
    ),

    attempts as (
        select
            activities.activity_id as attempt_id,
            handoffs.handoff_id,
            activities.contact_id,
            activities.owner_id,
            activities.activity_type,
            activities.activity_at as attempt_at,
            activities.outcome,
            activities.outcome_class,
            not activities.is_automated as is_human,
            activities.is_human_contact as is_contact,
            row_number() over (
                partition by handoffs.handoff_id, activities.is_automated
                order by activities.activity_at, activities.activity_id
            ) as number_of_its_kind,
            row_number() over (
                partition by handoffs.handoff_id order by activities.activity_at, activities.activity_id
            ) as touch_number
        from handoffs
        inner join
            activities
            on handoffs.contact_id = activities.contact_id
            and activities.activity_at >= handoffs.lead_entered_at
            and (handoffs.window_ends_at is null or activities.activity_at < handoffs.window_ends_at)
    ),

    final as (
        select
            attempt_id,
            handoff_id,
            contact_id,
            owner_id,
            activity_type,
            cast(case when is_human then number_of_its_kind end as integer) as attempt_number,
            cast(touch_number as integer) as touch_number,
            attempt_at,
            outcome,
            outcome_class,
            is_human,
            is_contact
        from attempts
    )

select *
from final
