-- Which persons each browser or device named, and how often. Kept apart from the identifiers, because all events are
-- read
-- for it.
with
    final as (
        select anonymous_id, person_record_id, count(*) as event_count, min(event_at) as first_named_at
        from {{ ref("int_events") }}
        where anonymous_id is not null and person_record_id is not null
        group by anonymous_id, person_record_id
    )

select *
from final
