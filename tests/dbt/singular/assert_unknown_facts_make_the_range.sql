-- What mart_unknown_facts lists is what the range of a score is made of. Returns entities where the two differ.
with
    listed as (
        select entity_type, entity_id, sum(lo_points) as lo_points, sum(hi_points) as hi_points
        from {{ ref("mart_unknown_facts") }}
        where about = entity_type
        group by entity_type, entity_id
    ),

    ranges as (
        select 'contact' as entity_type, contact_id as entity_id, lo_change, hi_change
        from {{ ref("int_contact_fit_ranges") }}
        union all
        select 'account' as entity_type, account_id as entity_id, lo_change, hi_change
        from {{ ref("int_account_fit_ranges") }}
    )

select ranges.entity_type, ranges.entity_id
from ranges
left join listed on ranges.entity_type = listed.entity_type and ranges.entity_id = listed.entity_id
where
    ranges.lo_change != least(coalesce(listed.lo_points, 0), 0)
    or ranges.hi_change != greatest(coalesce(listed.hi_points, 0), 0)
