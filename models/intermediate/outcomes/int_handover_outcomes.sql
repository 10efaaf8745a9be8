-- What came of each hand-over by as-of, by the contract's verdict. Whom sales did not work as agreed, and never
-- judged, tells
-- nothing of the score: it is censored, not failed.
with
    handoffs as (select * from {{ ref("int_handoffs") }}),

    verdicts as (select * from {{ ref("fct_handoff_verdicts") }}),

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

    final as (
        select
            handoffs.handoff_id,
            handoffs.contact_id,
            handoffs.mql_at,
            case
                when verdicts.verdict = 'accepted'
                then 'accepted'
                when verdicts.verdict = 'worked_and_rejected' or verdicts.is_rejected_by_sales
                then 'not_accepted'
                when verdicts.verdict = 'pending'
                then 'open'
                else 'not_worked'
            end as outcome,
            coalesce(dealt.opportunities, 0) > 0 as has_opportunity,
            coalesce(dealt.won, 0) > 0 as is_won
        from handoffs
        inner join verdicts on handoffs.handoff_id = verdicts.handoff_id
        left join dealt on handoffs.handoff_id = dealt.handoff_id
    )

select *
from final
