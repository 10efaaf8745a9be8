-- Visitors numbered, because sorting and joining twenty million pages by a number costs far less than by a text.
with
    events as (
        select visitor_id, anonymous_id
        from {{ ref("int_events") }}
        where event_type in ('page', 'screen') and visitor_id is not null
    ),

    visitors as (select visitor_id, max(anonymous_id) as anonymous_id from events group by visitor_id),

    final as (select row_number() over (order by visitor_id) as visitor_number, visitor_id, anonymous_id from visitors)

select *
from final
