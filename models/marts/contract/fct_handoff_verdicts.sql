{#
    The first that holds: accepted; rejected or run out without the agreed work (late, then too few tries); worked and not
    accepted; pending. What was decided is judged by the work until then, what was not by the work until it matured.
-#}
with
    facts as (select * from {{ ref("int_handoff_facts") }}),

    reasons as (select * from {{ ref("verdict_reasons") }}),

    judged as (
        select
            *,
            coalesce(matures_at <= {{ as_of() }}, false) as is_mature,
            coalesce(
                coalesce(first_worked_at, closed_at, {{ as_of() }}) > first_contact_due_at, false
            ) as is_first_contact_missed,
            coalesce(attempts_in_time < min_attempts and reached_at is null, false) as is_tried_too_little
        from facts
    ),

    reasoned as (
        select
            *,
            case
                when decision = 'accepted'
                then 'accepted'
                when (decision = 'rejected' or is_mature or first_worked_at is null) and is_first_contact_missed
                then case when first_worked_at is null then 'never_contacted' else 'contacted_late' end
                when decision = 'rejected'
                then case when is_tried_too_little then 'rejected_too_early' else 'rejected_after_work' end
                when is_tried_too_little and {{ as_of() }} > last_attempt_due_at
                then 'too_few_tries'
                when is_mature
                then 'no_decision'
                else 'within_contract'
            end as reason
        from judged
    ),

    final as (
        select
            reasoned.handoff_id,
            reasoned.contact_id,
            reasoned.account_id,
            reasoned.contract_id,
            reasoned.segment,
            reasoned.owner_id,
            reasoned.mql_at,
            reasons.verdict,
            case
                when reasoned.reason in ('accepted', 'rejected_after_work', 'rejected_too_early')
                then reasoned.decided_at
                when reasoned.decision = 'rejected'
                then reasoned.decided_at
                when reasoned.reason = 'never_contacted'
                then reasoned.first_contact_due_at
                when reasoned.reason = 'too_few_tries'
                then reasoned.last_attempt_due_at
                when reasoned.reason in ('contacted_late', 'no_decision')
                then reasoned.matures_at
            end as decided_at,
            reasoned.reason,
            reasons.reason_en,
            reasons.reason_pt,
            coalesce(reasoned.decision = 'rejected', false) as is_rejected_by_sales,
            reasoned.reached_at is not null as is_reached,
            reasoned.matures_at,
            reasoned.is_mature
        from reasoned
        left join reasons on reasoned.reason = reasons.reason
    )

select *
from final
