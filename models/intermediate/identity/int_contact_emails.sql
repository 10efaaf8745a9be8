-- Whose a mailbox is, by its canonical form. Where a shared mailbox linked nothing, the oldest record's contact has it.
with
    identifiers as (
        select * from {{ ref("int_contact_identifiers") }} where identifier_type in ('email', 'email_role')
    ),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    ranked as (
        select
            identifiers.identifier_value as email_canonical,
            clusters.contact_id,
            row_number() over (
                partition by identifiers.identifier_value
                order by
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as choice
        from identifiers
        inner join clusters on identifiers.record_key = clusters.record_key
        inner join records on identifiers.record_key = records.record_key
    ),

    final as (select email_canonical, contact_id from ranked where choice = 1)

select *
from final
