-- An account keeps the id of its oldest CRM record, else of its oldest record: the same after any re-run, and when that
-- record is archived or merged. What people look for is the leading record: one that is still live.
with
    components as (select * from {{ ref("int_account_components") }}),

    records as (select * from {{ ref("int_account_records") }}),

    ranked as (
        select
            records.record_key,
            components.component,
            row_number() over (
                partition by components.component
                order by
                    case
                        when {{ is_crm("records.source") }} then 0 when records.source = 'contact_domain' then 2 else 1
                    end,
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as age_rank,
            row_number() over (
                partition by components.component
                order by
                    case
                        when {{ is_crm("records.source") }} then 0 when records.source = 'contact_domain' then 2 else 1
                    end,
                    case when records.is_archived then 1 else 0 end,
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as lead_rank
        from records
        inner join components on records.record_key = components.node
    ),

    oldest as (select component, record_key as account_id from ranked where age_rank = 1),

    final as (
        select
            ranked.record_key, oldest.account_id, ranked.age_rank = 1 as is_oldest, ranked.lead_rank = 1 as is_leading
        from ranked
        inner join oldest on ranked.component = oldest.component
    )

select *
from final
