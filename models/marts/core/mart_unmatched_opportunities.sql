with
    opportunities as (select * from {{ ref("fct_opportunities") }}),

    records as (select * from {{ ref("int_opportunity_records") }}),

    final as (
        select
            opportunities.opportunity_id,
            opportunities.source,
            opportunities.source_record_id,
            opportunities.name,
            opportunities.stage,
            opportunities.stage_kind,
            opportunities.product,
            opportunities.owner_id,
            opportunities.amount,
            opportunities.currency,
            opportunities.created_at,
            records.account_ref,
            case
                when records.account_ref is not null
                then 'unknown_account'
                when {{ is_crm("opportunities.source") }}
                then 'no_association'
                else 'no_account_named'
            end as reason_code
        from opportunities
        inner join
            records on opportunities.source = records.source and opportunities.source_record_id = records.record_id
        where opportunities.account_id is null
    )

select *
from final
