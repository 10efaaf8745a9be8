-- Subsidiaries that write from the domain of a company above them. The CRM keeps them apart on purpose, so the domain
-- stays with the topmost company that bears it and does not join them.
with
    records as (select * from {{ ref("int_crm_account_records") }} where domain is not null),

    tree as (select * from {{ ref("int_account_record_tree") }}),

    ranked as (
        select
            records.record_key,
            records.domain,
            tree.depth,
            min(tree.depth) over (partition by tree.root, records.domain) as top_depth
        from records
        inner join tree on records.record_key = tree.node
    ),

    final as (select record_key, domain from ranked where depth > top_depth)

select *
from final
