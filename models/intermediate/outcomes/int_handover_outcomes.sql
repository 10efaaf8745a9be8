-- What came of each hand-over by as-of. Whom nobody worked tells nothing of the score: never worked is censored, not
-- failed;
-- worked a short time ago is open.
with
    handoffs as (select * from {{ ref("int_handoffs") }}),

    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    moves as (select * from {{ ref("handoff_moves") }} where meaning in ('accepted', 'rejected')),

    attempts as (select * from {{ ref("fct_attempts") }} where is_human),

    opportunities as (select * from {{ ref("fct_opportunities") }}),

    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),

    contact_deals as (
        select
            opportunity_contacts.contact_id,
            opportunities.opportunity_id,
            opportunities.created_at,
            opportunities.stage_kind
        from opportunities
        inner join opportunity_contacts on opportunities.opportunity_id = opportunity_contacts.opportunity_id

        union

        select contact_id, opportunity_id, created_at, stage_kind
        from opportunities
        where contact_id is not null
    ),

    worked as (select handoff_id, min(attempt_at) as first_attempt_at from attempts group by handoff_id),

    -- The last word counts: taken up and disqualified is not accepted, won back later is.
    moved as (
        select
            handoffs.handoff_id,
            max(case when moves.meaning = 'accepted' then transitions.transition_at end) as accepted_at,
            max(case when moves.meaning = 'rejected' then transitions.transition_at end) as rejected_at
        from handoffs
        inner join
            transitions
            on handoffs.contact_id = transitions.contact_id
            and transitions.transition_number > handoffs.transition_number
            and (
                handoffs.next_transition_number is null
                or transitions.transition_number < handoffs.next_transition_number
            )
        inner join
            moves
            on transitions.to_stage = moves.to_stage
            and (moves.from_stage is null or transitions.from_stage = moves.from_stage)
        group by handoffs.handoff_id
    ),

    dealt as (
        select
            handoffs.handoff_id,
            count(*) as opportunities,
            sum(case when contact_deals.stage_kind = 'won' then 1 else 0 end) as won
        from handoffs
        inner join
            contact_deals
            on handoffs.contact_id = contact_deals.contact_id
            and contact_deals.created_at >= handoffs.mql_at
            and (handoffs.next_mql_at is null or contact_deals.created_at < handoffs.next_mql_at)
        group by handoffs.handoff_id
    ),

    gathered as (
        select
            handoffs.handoff_id,
            handoffs.contact_id,
            handoffs.mql_at,
            worked.first_attempt_at,
            moved.accepted_at,
            moved.rejected_at,
            coalesce(dealt.opportunities, 0) > 0 as has_opportunity,
            coalesce(dealt.won, 0) > 0 as is_won
        from handoffs
        left join worked on handoffs.handoff_id = worked.handoff_id
        left join moved on handoffs.handoff_id = moved.handoff_id
        left join dealt on handoffs.handoff_id = dealt.handoff_id
    ),

    final as (
        select
            handoff_id,
            contact_id,
            mql_at,
            case
                when accepted_at is not null and (rejected_at is null or accepted_at > rejected_at)
                then 'accepted'
                when rejected_at is not null
                then 'not_accepted'
                when first_attempt_at is null
                then 'never_worked'
                when {{ days_between("mql_at", as_of()) }} < {{ setting("outcome_maturity_days", "outcome_settings") }}
                then 'open'
                else 'not_accepted'
            end as outcome,
            has_opportunity,
            is_won
        from gathered
    )

select *
from final
