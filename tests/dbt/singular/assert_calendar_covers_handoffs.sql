-- Business time can be told of every hand-over: its day is in its calendar, and so is the moment it is due.
select handoffs.handoff_id, handoffs.calendar, handoffs.calendar_time_zone, handoffs.lead_entered_at
from {{ ref("fct_handoffs") }} as handoffs
left join
    {{ ref("int_business_days") }} as days
    on handoffs.calendar = days.calendar
    and handoffs.calendar_time_zone = days.time_zone
    and cast({{ local_time("handoffs.lead_entered_at", "handoffs.calendar_time_zone") }} as date) = days.local_date
left join {{ ref("int_handoff_facts") }} as facts on handoffs.handoff_id = facts.handoff_id
where days.local_date is null or (handoffs.contract_id is not null and facts.first_contact_due_at is null)
