{{ config(materialized="parent_chains") }}

select records.record_key as node, parents.parent_key as parent, records.created_at as born_at
from {{ ref("int_crm_account_records") }} as records
inner join
    (
        select record_key
        from {{ ref("int_account_parent_records") }}
        union
        select parent_key as record_key
        from {{ ref("int_account_parent_records") }}
    ) as related
    on records.record_key = related.record_key
left join {{ ref("int_account_parent_records") }} as parents on records.record_key = parents.record_key
