{{ config(materialized="connected_components") }}

select account_id as node_a, parent_account_id as node_b
from {{ ref("int_account_parents") }}
