{{ config(materialized="connected_components") }}

select record_key as node_a, linked_record_key as node_b
from {{ ref("int_account_links") }}
union all
select record_key as node_a, record_key as node_b
from {{ ref("int_account_records") }}
