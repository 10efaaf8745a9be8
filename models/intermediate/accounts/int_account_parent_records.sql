-- The parent that a record names: a CRM id, or in a mapping file a record id or a name.
with
    records as (select * from {{ ref("int_crm_account_records") }}),

    names as (select * from {{ ref("int_clean_company_names") }}),

    candidates as (
        select children.record_key, parents.record_key as parent_key, parents.record_id as parent_record_id, 1 as rank
        from records as children
        inner join records as parents on children.source = parents.source and children.parent_ref = parents.record_id
        union all
        select children.record_key, parents.record_key as parent_key, parents.record_id as parent_record_id, 2 as rank
        from records as children
        inner join names on children.parent_ref = names.name_raw
        inner join records as parents on children.source = parents.source and names.company_key = parents.company_key
        where not {{ is_crm("children.source") }}
    ),

    ranked as (
        select
            record_key,
            parent_key,
            row_number() over (partition by record_key order by rank, parent_record_id) as choice
        from candidates
        where record_key != parent_key
    ),

    final as (select record_key, parent_key from ranked where choice = 1)

select *
from final
