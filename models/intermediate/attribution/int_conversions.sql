{#
    Grain: conversion kind and contact (stages) or opportunity. A stage converts where it is entered for the first time: who
    skipped it never entered it, who comes back does not convert again.
#}
with
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    transitions as (select * from {{ ref("fct_stage_transitions") }}),
    kinds as (select * from {{ ref("attribution_conversions") }}),

    stage_entries as (
        select
            to_stage as conversion_kind, contact_id, max(account_id) as account_id, min(transition_at) as conversion_at
        from transitions
        group by to_stage, contact_id
    ),

    -- A deal without account and contact is a customer of its own.
    won as (
        select
            *,
            row_number() over (
                partition by
                    {{
                        hash_key(
                            [
                                "account_id",
                                "case when account_id is null then contact_id end",
                                "case when account_id is null and contact_id is null then opportunity_id end",
                            ]
                        )
                    }}
                order by closed_at, opportunity_id
            ) as win_number
        from opportunities
        where stage_kind = 'won' and closed_at is not null
    ),

    moments as (
        select
            conversion_kind,
            {{ hash_key(["conversion_kind", "contact_id"]) }} as conversion_id,
            contact_id,
            cast(null as {{ dbt.type_string() }}) as opportunity_id,
            account_id,
            cast(null as timestamp) as opportunity_created_at,
            cast(null as timestamp) as opportunity_closed_at,
            conversion_at,
            cast(0 as decimal(18, 2)) as revenue,
            false as is_new_customer
        from stage_entries

        union all

        select
            'opportunity' as conversion_kind,
            {{ hash_key(["'opportunity'", "opportunity_id"]) }} as conversion_id,
            cast(null as {{ dbt.type_string() }}) as contact_id,
            opportunity_id,
            account_id,
            created_at as opportunity_created_at,
            cast(null as timestamp) as opportunity_closed_at,
            created_at as conversion_at,
            cast(coalesce(amount_reporting, 0) as decimal(18, 2)) as revenue,
            false as is_new_customer
        from opportunities

        union all

        select
            'won' as conversion_kind,
            {{ hash_key(["'won'", "opportunity_id"]) }} as conversion_id,
            cast(null as {{ dbt.type_string() }}) as contact_id,
            opportunity_id,
            account_id,
            coalesce(created_at, closed_at) as opportunity_created_at,
            closed_at as opportunity_closed_at,
            closed_at as conversion_at,
            cast(coalesce(amount_reporting, 0) as decimal(18, 2)) as revenue,
            win_number = 1 as is_new_customer
        from won
    ),

    final as (
        select
            moments.conversion_id,
            moments.conversion_kind,
            case
                when kinds.journey_level = 'account' and moments.account_id is not null then 'account' else 'contact'
            end as journey_level,
            moments.contact_id,
            moments.opportunity_id,
            moments.account_id,
            moments.opportunity_created_at,
            moments.opportunity_closed_at,
            moments.conversion_at,
            {{ dbt.dateadd("day", "-kinds.lookback_days", "moments.conversion_at") }} as journey_from_at,
            moments.revenue,
            moments.is_new_customer
        from moments
        inner join kinds on moments.conversion_kind = kinds.conversion_kind
        where moments.conversion_at <= {{ as_of() }}
    )

select *
from final
