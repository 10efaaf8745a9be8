-- An account is named after its oldest CRM record, else after the oldest record there is.
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
                    case records.source when 'hubspot' then 0 when 'contact_domain' then 2 else 1 end,
                    case when records.is_archived then 1 else 0 end,
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as age_rank
        from records
        inner join components on records.record_key = components.node
    ),

    leading_records as (select component, record_key as account_id from ranked where age_rank = 1),

    final as (
        select ranked.record_key, leading_records.account_id, ranked.age_rank = 1 as is_leading
        from ranked
        inner join leading_records on ranked.component = leading_records.component
    )

select *
from final
