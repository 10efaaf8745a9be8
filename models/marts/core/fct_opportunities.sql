with
    records as (select * from {{ ref("int_opportunity_records") }}),

    opportunities as (select * from {{ ref("int_opportunity_ids") }} where quarantine_reason is null),

    opportunity_accounts as (select * from {{ ref("int_opportunity_accounts") }}),

    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),

    contacts as (select contact_id, created_at from {{ ref("dim_contacts") }}),

    stage_kinds as (select * from {{ ref("int_stage_kinds") }}),

    products as (select * from {{ ref("int_opportunity_products") }}),

    rates as (select * from {{ ref("int_currency_rates") }}),

    reporting_currency as (select currency from {{ ref("reporting_currency") }}),

    -- The CRM does not say who comes first: the person known longest.
    primary_contacts as (
        select
            opportunity_contacts.opportunity_id,
            opportunity_contacts.contact_id,
            row_number() over (
                partition by opportunity_contacts.opportunity_id
                order by
                    case when contacts.created_at is null then 1 else 0 end,
                    contacts.created_at,
                    opportunity_contacts.contact_id
            ) as choice
        from opportunity_contacts
        inner join contacts on opportunity_contacts.contact_id = contacts.contact_id
    ),

    staged as (
        select
            opportunities.opportunity_id,
            records.source,
            records.record_id as source_record_id,
            opportunity_accounts.account_id,
            opportunity_accounts.match_method as account_match_method,
            primary_contacts.contact_id,
            records.name,
            records.pipeline,
            records.stage,
            coalesce(stage_kinds.stage_kind, 'open') as stage_kind,
            stage_kinds.lifecycle_stage,
            products.product,
            records.owner_id,
            records.amount,
            -- A source that names no currency reports in ours.
            coalesce(records.currency, (select currency from reporting_currency)) as currency,
            records.created_at,
            case
                when coalesce(stage_kinds.stage_kind, 'open') != 'open'
                then coalesce(records.closed_at, records.updated_at)
            end as closed_at,
            records.closed_at as expected_close_at,
            records.lost_reason
        from records
        inner join
            opportunities on records.source = opportunities.source and records.record_id = opportunities.record_id
        left join opportunity_accounts on opportunities.opportunity_id = opportunity_accounts.opportunity_id
        left join
            primary_contacts
            on opportunities.opportunity_id = primary_contacts.opportunity_id
            and primary_contacts.choice = 1
        left join
            stage_kinds
            on records.source = stage_kinds.source
            and records.pipeline is not distinct from stage_kinds.pipeline
            and records.stage = stage_kinds.stage
        left join products on records.source = products.source and records.product_ref = products.product_ref
    ),

    final as (
        select
            staged.opportunity_id,
            staged.source,
            staged.source_record_id,
            staged.account_id,
            staged.account_match_method,
            staged.contact_id,
            staged.name,
            staged.pipeline,
            staged.stage,
            staged.stage_kind,
            staged.lifecycle_stage,
            staged.product,
            staged.owner_id,
            staged.amount,
            staged.currency,
            -- Widened first: a product of two DECIMAL(18) overflows from ten billion on.
            {{ try_cast("cast(staged.amount as decimal(28, 2)) * rates.rate", "decimal(18, 2)") }} as amount_reporting,
            (select currency from reporting_currency) as reporting_currency,
            staged.created_at,
            staged.closed_at,
            staged.expected_close_at,
            staged.lost_reason
        from staged
        left join
            rates
            on staged.currency = rates.currency
            and cast(coalesce(staged.closed_at, staged.created_at, {{ as_of() }}) as date) >= rates.valid_from
            and cast(coalesce(staged.closed_at, staged.created_at, {{ as_of() }}) as date) < rates.valid_to
    )

select *
from final
