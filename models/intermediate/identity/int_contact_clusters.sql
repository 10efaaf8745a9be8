-- A contact is named after its oldest record, so that its id survives new records, re-runs and any order of arrival.
-- What
-- people look for is another record: the one of the source that comes first (a CRM before a form); the others were
-- merged
-- into that one. Most contacts have one record, which needs no ranking.
with
    components as (select * from {{ ref("int_contact_components") }}),

    shared_components as (select component from components group by component having count(*) > 1),

    members as (
        select components.node, components.component
        from components
        inner join shared_components on components.component = shared_components.component
    ),

    records as (select * from {{ ref("int_contact_records") }}),

    kinds as (select distinct 'record' as field, 'declared' as value_source, source from records),

    precedences as ({{ source_precedence_of("kinds", "contact") }}),

    ranked as (
        select
            records.record_key,
            members.component,
            row_number() over (
                partition by members.component
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
                partition by members.component
                order by
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as age_rank
        from records
        inner join members on records.record_key = members.node
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
        union all
        select
            components.node as record_key,
            {{ hash_key(["'contact'", "components.node"]) }} as contact_id,
            true as is_oldest,
            true as is_leading
        from components
        where components.component not in (select component from shared_components)
    )

select *
from final
