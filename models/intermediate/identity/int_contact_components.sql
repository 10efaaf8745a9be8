{{ config(materialized="view") }}

-- Which records are one contact: where nothing is contested, those that shared identifiers join; else as the resolver
-- decided.
with
    nodes as (select record_key from {{ ref("int_identity_nodes") }}),

    components as (select * from {{ ref("int_identity_components") }}),

    contested as (select * from {{ ref("int_contested_components") }}),

    final as (
        select
            nodes.record_key as node, coalesce(contested.component, components.component, nodes.record_key) as component
        from nodes
        left join contested on nodes.record_key = contested.node
        left join components on nodes.record_key = components.node
    )

select *
from final
