with
    paths as (select distinct page_path from {{ ref("int_page_events") }} where page_path is not null),

    page_kinds as (select * from {{ ref("page_kinds") }}),

    matched as (
        select
            paths.page_path,
            page_kinds.page_kind,
            row_number() over (partition by paths.page_path order by page_kinds.priority) as choice
        from paths
        inner join page_kinds on {{ matches("lower(paths.page_path)", "page_kinds.path_pattern") }}
    ),

    final as (
        select paths.page_path, coalesce(matched.page_kind, 'other') as page_kind
        from paths
        left join matched on paths.page_path = matched.page_path and matched.choice = 1
    )

select *
from final
