with
    comparisons as (select * from {{ ref("int_declared_comparisons") }}),

    counted as (
        select
            entity,
            field,
            declared_source,
            capture_method,
            reference_source,
            reference_provider,
            reference_field,
            definition,
            count(*) as n_compared,
            sum(case when disagrees then 1 else 0 end) as n_disagree,
            sum(case when declared_quality = 'suspect' then 1 else 0 end) as n_suspect,
            sum(case when declared_quality = 'suspect' and disagrees then 1 else 0 end) as n_suspect_disagree
        from comparisons
        group by
            entity,
            field,
            declared_source,
            capture_method,
            reference_source,
            reference_provider,
            reference_field,
            definition
    ),

    final as (
        select
            {{
                hash_key(
                    [
                        "entity",
                        "field",
                        "declared_source",
                        "capture_method",
                        "reference_source",
                        "reference_provider",
                        "reference_field",
                    ]
                )
            }} as declared_error_id,
            entity,
            field,
            declared_source,
            capture_method,
            reference_source,
            reference_provider,
            reference_field,
            cast(n_compared as bigint) as n_compared,
            cast(n_disagree as bigint) as n_disagree,
            cast(100.0 * n_disagree / n_compared as decimal(6, 3)) as disagree_pct,
            cast(100 * {{ wilson_interval("n_disagree", "n_compared", "lo") }} as decimal(6, 3)) as lo_pct,
            cast(100 * {{ wilson_interval("n_disagree", "n_compared", "hi") }} as decimal(6, 3)) as hi_pct,
            cast(n_suspect as bigint) as n_suspect,
            cast(
                100.0 * (n_disagree - n_suspect_disagree) / nullif(n_compared - n_suspect, 0) as decimal(6, 3)
            ) as unsuspected_disagree_pct,
            cast(
                100
                * {{ wilson_interval("(n_disagree - n_suspect_disagree)", "(n_compared - n_suspect)", "lo") }}
                as decimal(6, 3)
            ) as unsuspected_lo_pct,
            cast(
                100
                * {{ wilson_interval("(n_disagree - n_suspect_disagree)", "(n_compared - n_suspect)", "hi") }}
                as decimal(6, 3)
            ) as unsuspected_hi_pct,
            n_compared >= {{ setting("declared_error_min_n", "reporting_settings") }} as is_enough,
            definition
        from counted
    )

select *
from final
