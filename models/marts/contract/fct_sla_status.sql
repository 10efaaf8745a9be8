{#
    A check is met or breached once that is certain, and pending before: never breached before it was due. Exactly at the
    limit is met.
-#}
with
    facts as (select * from {{ ref("int_handoff_facts") }} where contract_id is not null),

    first_contact as (
        select
            handoff_id,
            'first_contact' as check_name,
            first_contact_due_at as due_at,
            first_attempt_at as happened_at,
            case
                when first_attempt_at <= first_contact_due_at
                then 'met'
                when coalesce(first_attempt_at, {{ as_of() }}) > first_contact_due_at
                then 'breached'
                else 'pending'
            end as status,
            case
                when first_attempt_at <= first_contact_due_at
                then 'tried in time'
                when first_attempt_at is not null
                then 'first tried late'
                when {{ as_of() }} > first_contact_due_at
                then 'not tried'
                else 'not due yet'
            end as reason
        from facts
    ),

    min_attempts as (
        select
            handoff_id,
            'min_attempts' as check_name,
            case
                when decision = 'rejected' then least(decided_at, last_attempt_due_at) else last_attempt_due_at
            end as due_at,
            case
                when
                    reached_at <= last_attempt_due_at
                    and (enough_attempts_at is null or reached_at < enough_attempts_at)
                then reached_at
                when attempts_in_time >= min_attempts
                then enough_attempts_at
            end as happened_at,
            case
                when reached_at <= last_attempt_due_at or attempts_in_time >= min_attempts
                then 'met'
                when decision = 'rejected' or {{ as_of() }} > last_attempt_due_at
                then 'breached'
                else 'pending'
            end as status,
            case
                when reached_at <= last_attempt_due_at
                then 'reached'
                else attempts_in_time || ' of ' || min_attempts || ' attempts'
            end as reason
        from facts
    ),

    max_delay_last_attempt as (
        select
            handoff_id,
            'max_delay_last_attempt' as check_name,
            last_attempt_due_at as due_at,
            last_attempt_at as happened_at,
            case
                when last_attempt_at > last_attempt_due_at
                then 'breached'
                when {{ as_of() }} > last_attempt_due_at
                then case when last_attempt_at is null then 'breached' else 'met' end
                when last_attempt_at is not null and (reached_at is not null or decision = 'rejected')
                then 'met'
                else 'pending'
            end as status,
            case
                when last_attempt_at > last_attempt_due_at
                then 'last tried too late'
                when last_attempt_at is not null
                then 'last tried in time'
                when {{ as_of() }} > last_attempt_due_at
                then 'not tried'
                else 'not due yet'
            end as reason
        from facts
    ),

    -- Given up: rejected, or left without a decision, and never reached.
    gave_up_early as (
        select
            handoff_id,
            'gave_up_early' as check_name,
            closed_at as due_at,
            case when reached_at is null and coalesce(decision, '') != 'accepted' then closed_at end as happened_at,
            case
                when reached_at is not null or decision = 'accepted' or touches >= min_touches_before_give_up
                then 'met'
                when closed_at is not null
                then 'breached'
                else 'pending'
            end as status,
            case
                when reached_at is not null
                then 'reached'
                when decision = 'accepted'
                then 'accepted'
                else touches || ' of ' || min_touches_before_give_up || ' touches'
            end as reason
        from facts
    ),

    checks as (
        select *
        from first_contact
        union all
        select *
        from min_attempts
        union all
        select *
        from max_delay_last_attempt
        union all
        select *
        from gave_up_early
    ),

    final as (
        select
            checks.handoff_id,
            checks.check_name,
            facts.contact_id,
            facts.contract_id,
            facts.segment,
            facts.owner_id,
            facts.mql_at,
            checks.status,
            checks.due_at,
            checks.happened_at,
            checks.reason
        from checks
        inner join facts on checks.handoff_id = facts.handoff_id
    )

select *
from final
