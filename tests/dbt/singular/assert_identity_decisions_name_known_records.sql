-- A decision about a record that is not in the warehouse does nothing: a typing error, or a record that was deleted.
{{ config(severity="warn") }}
select decision_id, decision, source_a, record_id_a, is_known_a, source_b, record_id_b, is_known_b
from {{ ref("int_identity_decisions") }}
where not is_in_force
