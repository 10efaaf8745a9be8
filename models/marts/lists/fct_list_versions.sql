-- Which definition each list had since when, as builds up to as_of saw it.
with
    changes as (select * from {{ ref("int_list_changes") }} where change = 'version' and observed_at <= {{ as_of() }}),

    final as (
        select
            change_id as list_version_id,
            list_name,
            list_version,
            observed_at as valid_from,
            lead(observed_at) over (partition by list_name order by change_number) as valid_to
        from changes
    )

select *
from final
