-- Nobody is asked for an action on a channel that is over its pressure, alone or with the others, nor before there is
-- room
-- (R76, R77).
select actions.contact_id, actions.channel, actions.action_at, pressure.channel as limit_of, pressure.status
from {{ ref("mart_next_action") }} as actions
inner join
    {{ ref("mart_contact_pressure") }} as pressure
    on actions.contact_id = pressure.contact_id
    and pressure.channel in (actions.channel, 'all')
where
    actions.channel != 'none'
    and (
        pressure.status = 'over'
        or pressure.next_allowed_at is null
        or actions.action_at is null
        or actions.action_at < pressure.next_allowed_at
        or actions.action_at < actions.as_of_at
    )
