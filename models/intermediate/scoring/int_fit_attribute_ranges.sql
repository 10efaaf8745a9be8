-- What an attribute could add or take if it were known: the room that an unknown fact leaves open.
with
    fit_rules as (select * from {{ ref("fit_rules") }}),

    rules as (select *, operator = 'is_known' and lower(trim(value)) = 'false' as rewards_absence from fit_rules),

    final as (
        select
            entity,
            attribute,
            least(min(case when not rewards_absence then points end), 0) as lo_points,
            greatest(max(case when not rewards_absence then points end), 0) as hi_points,
            coalesce(sum(case when rewards_absence then points end), 0) as absence_points
        from rules
        group by entity, attribute
    )

select
    entity,
    attribute,
    coalesce(lo_points, 0) as lo_points,
    coalesce(hi_points, 0) as hi_points,
    absence_points,
    coalesce(hi_points, 0) - coalesce(lo_points, 0) as weight
from final
