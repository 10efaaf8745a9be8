-- Who is in the call queue passed the gate, can be called and did not opt out (R48, R58).
with
    queue as (select * from {{ ref("mart_call_queue") }}),
    gate as (select * from {{ ref("fct_handoff_gate") }}),
    contacts as (select * from {{ ref("dim_contacts") }})

select queue.contact_id
from queue
left join gate on queue.contact_id = gate.contact_id
left join contacts on queue.contact_id = contacts.contact_id
where
    not coalesce(gate.passed, false)
    or coalesce(contacts.is_opted_out, true)
    or not coalesce(contacts.is_reachable, false)
    or contacts.phone_e164 is null
    or queue.next_window_end_at <= {{ as_of() }}
