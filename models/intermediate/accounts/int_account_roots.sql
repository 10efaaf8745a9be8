-- Where each account's chain of parents ends, however long. Parents that form a circle are cut at its oldest account.
with
    tree as (select * from {{ ref("int_account_tree") }}),

    final as (
        select node as account_id, parent as parent_account_id, root as root_account_id, depth, is_circular from tree
    )

select *
from final
