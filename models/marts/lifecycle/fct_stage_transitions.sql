with
    steps as (select * from {{ ref("int_stage_steps") }}),
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),

    final as (
        select
            {{ hash_key(["steps.contact_id", "steps.step"]) }} as transition_id,
            steps.contact_id,
            contacts.account_id,
            steps.step as transition_number,
            steps.from_stage,
            steps.to_stage,
            steps.reached_at as transition_at,
            cast(
                {{
                    days_between(
                        "lag(steps.reached_at) over (partition by steps.contact_id order by steps.step)",
                        "steps.reached_at",
                    )
                }} as decimal(18, 6)
            ) as days_in_from_stage,
            steps.direction,
            steps.trigger,
            steps.reason,
            steps.evidence
        from steps
        inner join contacts on steps.contact_id = contacts.contact_id
    )

select *
from final
