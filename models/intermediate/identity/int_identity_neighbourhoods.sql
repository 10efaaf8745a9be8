{{ config(materialized="connected_components", incremental=true) }}

-- Components that a matched pair, a decision or a disagreement about names ties together: what the resolver must look
-- at as one.
-- Every other component is one person, and needs no second look.
with
    components as (select * from {{ ref("int_identity_components") }}),

    ties as (
        select record_key_l, record_key_r
        from {{ ref("int_identity_pairs") }}
        union all
        select record_key_l, record_key_r
        from {{ ref("int_identity_decisions") }}
        where is_in_force
    )

select
    coalesce(components_l.component, ties.record_key_l) as node_a,
    coalesce(components_r.component, ties.record_key_r) as node_b
from ties
left join components as components_l on ties.record_key_l = components_l.node
left join components as components_r on ties.record_key_r = components_r.node
union all
select component as node_a, component as node_b
from {{ ref("int_identity_component_facts") }}
where has_several_names
