{#
    One row per open HubSpot deal: how its account scores, who of the buying committee is engaged and who is missing, and what the
    account's people did to show that they want to buy since the deal was opened (the deal itself does not count). A deal whose
    account is not known has nothing to say and keeps nothing of ours. Values are rounded, so that equal means equal.
#}
with
    deals as (select * from {{ ref("fct_opportunities") }} where source = 'hubspot' and stage_kind = 'open'),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    intent_events as (select * from {{ ref("fct_intent_events") }} where is_buying_intent),

    intents as (
        select
            deals.opportunity_id,
            intent_events.intent_kind,
            intent_events.intent_at,
            row_number() over (
                partition by deals.opportunity_id
                order by intent_events.intent_at desc, intent_events.intent_kind, intent_events.intent_event_id
            ) as recency
        from deals
        inner join
            intent_events on deals.account_id = intent_events.account_id and intent_events.intent_at >= deals.created_at
        where intent_events.source != deals.source or intent_events.source_record_id != deals.source_record_id
    ),

    intent_counts as (select opportunity_id, count(*) as intent_count from intents group by opportunity_id),

    last_intents as (select * from intents where recency = 1),

    final as (
        select
            deals.opportunity_id as sync_key,
            deals.source_record_id as record_id,
            deals.account_id,
            cast(account_scores.score as decimal(18, 1)) as account_score,
            account_scores.grade as account_grade,
            account_scores.engaged_contacts,
            cast(account_scores.committee_completeness as decimal(5, 2)) as committee_coverage,
            account_scores.committee,
            account_scores.missing_roles,
            case when deals.account_id is not null then coalesce(intent_counts.intent_count, 0) end as intent_count,
            last_intents.intent_kind as last_intent,
            cast(last_intents.intent_at as date) as last_intent_on
        from deals
        left join account_scores on deals.account_id = account_scores.account_id
        left join intent_counts on deals.opportunity_id = intent_counts.opportunity_id
        left join last_intents on deals.opportunity_id = last_intents.opportunity_id
    )

select *
from final
