{{ config(materialized="connected_components", incremental=true) }}

-- Records that shared identifiers join, before names, matched pairs and decisions are looked at. A record that shares
-- none is
-- left out: it is its own component.
select record_key as node_a, linked_record_key as node_b
from {{ ref("int_identity_links") }}
