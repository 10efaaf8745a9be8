{{ config(materialized="connected_components", incremental=true) }}

-- Contested records by contact: the closure of the evidence that the resolver let link them.
select record_key as node_a, linked_record_key as node_b
from {{ ref("int_identity_verdicts") }}
where verdict = 'linked'
union all
select record_key as node_a, record_key as node_b
from {{ ref("int_identity_contested_records") }}
