-- Under every model, for every kind and month, the channels (the unattributed line included) add up to what the CRM and
-- the stages hold, counted where they come from: conversions, and revenue to the cent.
with
    stages as (
        select
            transitions.to_stage as conversion_kind,
            transitions.contact_id as subject_id,
            min(transitions.transition_at) as conversion_at,
            cast(0 as decimal(18, 2)) as revenue
        from {{ ref("fct_stage_transitions") }} as transitions
        group by transitions.to_stage, transitions.contact_id
    ),

    held as (
        select conversion_kind, conversion_at, revenue
        from stages
        union all
        select 'opportunity', created_at, coalesce(amount_reporting, 0)
        from {{ ref("fct_opportunities") }}
        union all
        select 'won', closed_at, coalesce(amount_reporting, 0)
        from {{ ref("fct_opportunities") }}
        where stage_kind = 'won'
    ),

    totals as (
        select
            models.model,
            held.conversion_kind,
            cast({{ dbt.date_trunc("month", "held.conversion_at") }} as date) as month_on,
            count(*) as conversions,
            sum(held.revenue) as revenue
        from held
        inner join {{ ref("attribution_conversions") }} as kinds on held.conversion_kind = kinds.conversion_kind
        cross join {{ ref("attribution_models") }} as models
        where held.conversion_at <= {{ as_of() }}
        group by models.model, held.conversion_kind, cast({{ dbt.date_trunc("month", "held.conversion_at") }} as date)
    ),

    credited as (
        select model, conversion_kind, month_on, sum(conversions) as conversions, sum(revenue) as revenue
        from {{ ref("mart_channel_credits") }}
        group by model, conversion_kind, month_on
    )

select
    coalesce(totals.model, credited.model) as model,
    coalesce(totals.conversion_kind, credited.conversion_kind) as conversion_kind,
    coalesce(totals.month_on, credited.month_on) as month_on,
    totals.conversions as crm_conversions,
    credited.conversions,
    totals.revenue as crm_revenue,
    credited.revenue
from totals
full outer join
    credited
    on totals.model = credited.model
    and totals.conversion_kind = credited.conversion_kind
    and totals.month_on = credited.month_on
where
    totals.model is null
    or credited.model is null
    -- Counts are shown to six decimals, so that the sum of the channels may miss by a hair.
    or abs(totals.conversions - credited.conversions) > 0.001
    or totals.revenue != credited.revenue
