-- No promise is broken before it is due, and none is judged by what has not happened yet (R50).
select handoff_id, check_name, status, due_at, happened_at
from {{ ref("fct_sla_status") }}
where
    (status = 'breached' and (due_at is null or due_at > {{ as_of() }}) and coalesce(happened_at <= due_at, true))
    or happened_at > {{ as_of() }}
