-- Each family of accounts has one member without a parent: the root. A family without one is a circle of parents; it is
-- cut at its smallest account id.
with
    families as (select * from {{ ref("int_account_families") }}),

    parents as (select * from {{ ref("int_account_parents") }}),

    members as (
        select families.node as account_id, families.component, parents.parent_account_id
        from families
        left join parents on families.node = parents.account_id
    ),

    roots as (
        select
            component,
            coalesce(min(case when parent_account_id is null then account_id end), min(account_id)) as root_account_id,
            count(case when parent_account_id is null then 1 end) = 0 as is_circular
        from members
        group by component
    ),

    final as (
        select
            members.account_id,
            case
                when members.account_id != roots.root_account_id then members.parent_account_id
            end as parent_account_id,
            roots.root_account_id,
            roots.is_circular
        from members
        inner join roots on members.component = roots.component
    )

select *
from final
