-- What an attribute could add or take if it were known: the room that an unknown fact leaves open. Of the rules that do
-- not add up one counts at most; those that do could all come together.
with
    fit_rules as (select * from {{ ref("fit_rules") }}),

    rules as (
        select
            entity,
            attribute,
            points,
            {{ adds_up("fit_rules") }} as adds_up,
            operator = 'is_known' and lower(trim(value)) = 'false' as rewards_absence
        from fit_rules
    ),

    final as (
        select
            entity,
            attribute,
            least(coalesce(min(case when not adds_up then points end), 0), 0)
            + coalesce(sum(case when adds_up and not rewards_absence and points < 0 then points end), 0) as lo_points,
            greatest(coalesce(max(case when not adds_up then points end), 0), 0)
            + coalesce(sum(case when adds_up and not rewards_absence and points > 0 then points end), 0) as hi_points,
            coalesce(sum(case when rewards_absence then points end), 0) as absence_points
        from rules
        group by entity, attribute
    )

select
    entity,
    attribute,
    cast(lo_points as decimal(18, 4)) as lo_points,
    cast(hi_points as decimal(18, 4)) as hi_points,
    cast(absence_points as decimal(18, 4)) as absence_points,
    cast(hi_points - lo_points as decimal(18, 4)) as weight
from final
