-- The parent account of each account: what its leading record names, else its other records, oldest first.
with
    parent_records as (select * from {{ ref("int_account_parent_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    candidates as (
        select
            children.account_id,
            parents.account_id as parent_account_id,
            row_number() over (
                partition by children.account_id
                order by case when children.is_leading then 0 else 1 end, parent_records.record_key
            ) as choice
        from parent_records
        inner join clusters as children on parent_records.record_key = children.record_key
        inner join clusters as parents on parent_records.parent_key = parents.record_key
        where children.account_id != parents.account_id
    ),

    final as (select account_id, parent_account_id from candidates where choice = 1)

select *
from final
