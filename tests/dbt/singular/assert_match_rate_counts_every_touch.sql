-- The match rate counts every touch once, matched or not (R85).
with
    touches as (select count(*) as touches, count(contact_id) as touches_with_contact from {{ ref("fct_touches") }}),

    counted as (
        select coalesce(sum(touches), 0) as touches, coalesce(sum(touches_with_contact), 0) as touches_with_contact
        from {{ ref("mart_match_rate") }}
    )

select touches.touches, counted.touches as counted, touches.touches_with_contact
from touches
cross join counted
where touches.touches != counted.touches or touches.touches_with_contact != counted.touches_with_contact
