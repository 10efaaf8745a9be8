{{ config(materialized="parent_chains") }}

select clusters.account_id as node, parents.parent_account_id as parent, records.created_at as born_at
from {{ ref("int_account_clusters") }} as clusters
inner join {{ ref("int_account_records") }} as records on clusters.record_key = records.record_key
inner join
    (
        select account_id
        from {{ ref("int_account_parents") }}
        union
        select parent_account_id as account_id
        from {{ ref("int_account_parents") }}
    ) as related
    on clusters.account_id = related.account_id
left join {{ ref("int_account_parents") }} as parents on clusters.account_id = parents.account_id
where clusters.is_oldest
