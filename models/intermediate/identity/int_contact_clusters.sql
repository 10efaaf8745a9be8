-- A contact is named after its oldest record, so that its id survives new records, re-runs and any order of arrival.
-- What
-- people look for is another record: the one of the source that comes first (a CRM before a form); the others were
-- merged
-- into that one.
with
    components as (select * from {{ ref("int_contact_components") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    kinds as (select distinct 'record' as field, 'declared' as value_source, source from records),

    precedences as ({{ source_precedence_of("kinds", "contact") }}),

    ranked as (
        select
            records.record_key,
            components.component,
            row_number() over (
                partition by components.component
                order by
                    case when precedences.precedence is null then 1 else 0 end,
                    precedences.precedence,
                    case when records.is_archived then 1 else 0 end,
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as lead_rank,
            row_number() over (
                partition by components.component
                order by
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as age_rank
        from records
        inner join components on records.record_key = components.node
        left join precedences on records.source = precedences.source
    ),

    oldest as (
        select component, {{ hash_key(["'contact'", "record_key"]) }} as contact_id from ranked where age_rank = 1
    ),

    final as (
        select
            ranked.record_key, oldest.contact_id, ranked.age_rank = 1 as is_oldest, ranked.lead_rank = 1 as is_leading
        from ranked
        inner join oldest on ranked.component = oldest.component
    )

select *
from final
