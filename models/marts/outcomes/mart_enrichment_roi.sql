with
    calls as (select * from {{ ref("fct_enrichment_calls") }}),

    attributes as (
        select account_id, source as provider
        from {{ ref("int_account_attributes") }}
        where is_surviving and value_source = 'enriched'
    ),

    effects as (select * from {{ ref("int_enrichment_effects") }}),

    handoffs as (select contact_id, account_id from {{ ref("int_handoffs") }} where account_id is not null),

    reporting_currency as (select currency from {{ ref("reporting_currency") }}),

    -- Every provider, and all of them together: what two providers know of one company counts once there.
    provider_calls as (
        select provider, account_id, cost_reporting
        from calls
        union all
        select 'all' as provider, account_id, cost_reporting
        from calls
    ),

    spending as (
        select
            provider,
            count(*) as calls,
            sum(case when account_id is null then 1 else 0 end) as calls_without_account,
            sum(case when cost_reporting is null then 1 else 0 end) as calls_without_cost,
            sum(cost_reporting) as spend
        from provider_calls
        group by provider
    ),

    asked_accounts as (select distinct provider, account_id from provider_calls where account_id is not null),

    mqls as (
        select asked_accounts.provider, count(distinct handoffs.contact_id) as enriched_mqls
        from asked_accounts
        inner join handoffs on asked_accounts.account_id = handoffs.account_id
        group by asked_accounts.provider
    ),

    -- Whose answer is in use.
    used as (
        select provider, account_id
        from attributes
        union
        select 'all' as provider, account_id
        from attributes
    ),

    changed as (
        select
            used.provider,
            count(distinct used.account_id) as accounts_enriched,
            sum(case when effects.entity = 'account' and effects.steps_up != 0 then 1 else 0 end) as account_grades,
            sum(case when effects.entity = 'contact' and effects.steps_up != 0 then 1 else 0 end) as contact_grades,
            sum(case when effects.steps_up > 0 then 1 else 0 end) as grades_raised,
            sum(case when effects.steps_up < 0 then 1 else 0 end) as grades_lowered
        from used
        left join effects on used.account_id = effects.account_id
        group by used.provider
    ),

    final as (
        select
            spending.provider,
            cast(spending.calls as bigint) as calls,
            cast(spending.calls_without_account as bigint) as calls_without_account,
            cast(spending.calls_without_cost as bigint) as calls_without_cost,
            cast(spending.spend as decimal(18, 2)) as spend,
            reporting_currency.currency,
            cast(coalesce(changed.accounts_enriched, 0) as bigint) as accounts_enriched,
            cast(coalesce(mqls.enriched_mqls, 0) as bigint) as enriched_mqls,
            cast(spending.spend / nullif(mqls.enriched_mqls, 0) as decimal(18, 4)) as cost_per_enriched_mql,
            cast(coalesce(changed.account_grades, 0) as bigint) as account_grades_changed,
            cast(coalesce(changed.contact_grades, 0) as bigint) as contact_grades_changed,
            cast(coalesce(changed.grades_raised, 0) as bigint) as grades_raised,
            cast(coalesce(changed.grades_lowered, 0) as bigint) as grades_lowered,
            cast(
                spending.spend / nullif(changed.account_grades + changed.contact_grades, 0) as decimal(18, 4)
            ) as cost_per_grade_changed,
            {{ as_of() }} as as_of_at
        from spending
        left join mqls on spending.provider = mqls.provider
        left join changed on spending.provider = changed.provider
        cross join reporting_currency
    )

select *
from final
