with
    roles as (select * from {{ ref("committee_roles") }}),

    final as (
        select
            buying_role,
            cast(weight as decimal(5, 2)) as weight,
            cast(need_count as bigint) as need_count,
            cast(coverage_points as decimal(12, 4)) as coverage_points,
            cast(depth_cap as decimal(12, 4)) as depth_cap,
            is_decision,
            label_en,
            label_pt
        from roles
    )

select *
from final
