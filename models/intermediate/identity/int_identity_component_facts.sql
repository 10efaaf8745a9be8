-- Of each component of shared identifiers: whether it is still the one it was, and whether its first names differ.
-- Pairs
-- within a component need no score; names that differ must be looked at one by one.
with
    components as (select * from {{ ref("int_identity_components") }}),

    nodes as (select * from {{ ref("int_identity_nodes") }}),

    final as (
        select
            components.component,
            {{ rows_fingerprint(["components.node"]) }} as members_fingerprint,
            count(*) as record_count,
            min(nodes.first_name_form) != max(nodes.first_name_form) as has_several_names
        from components
        inner join nodes on components.node = nodes.record_key
        group by components.component
    )

select *
from final
