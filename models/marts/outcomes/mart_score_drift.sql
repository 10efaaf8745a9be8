{#
    What the index of mart_score_health is made of: the bands, and which of them moved. An empty band counts as
    `drift_empty_share`, as there.
-#}
with
    distributions as (select * from {{ ref("int_score_distributions") }}),

    bands as (select * from {{ ref("score_bands") }} where entity = 'contact'),

    health as (select * from {{ ref("mart_score_health") }} where check_name = 'drift'),

    shares as (
        select
            *,
            cast(recent_n as double)
            / nullif(sum(recent_n) over (partition by population, dimension), 0) as recent_share,
            cast(reference_n as double)
            / nullif(sum(reference_n) over (partition by population, dimension), 0) as reference_share
        from distributions
    ),

    compared as (
        select
            *,
            greatest(recent_share, cast({{ setting("drift_empty_share", "outcome_settings") }} as double)) as r,
            greatest(reference_share, cast({{ setting("drift_empty_share", "outcome_settings") }} as double)) as b
        from shares
    ),

    final as (
        select
            compared.population,
            compared.dimension,
            compared.band,
            cast(
                row_number() over (
                    partition by compared.population, compared.dimension
                    order by case when bands.lo is null then 0 else 1 end, bands.lo
                ) as integer
            ) as band_order,
            bands.label_en,
            bands.label_pt,
            compared.recent_n,
            compared.reference_n,
            cast(100 * compared.recent_share as decimal(6, 3)) as recent_pct,
            cast(100 * compared.reference_share as decimal(6, 3)) as reference_pct,
            cast(
                case
                    when health.status != 'not_enough' then (compared.r - compared.b) * ln(compared.r / compared.b)
                end as decimal(18, 9)
            ) as psi_part
        from compared
        inner join bands on compared.dimension = bands.dimension and compared.band = bands.band
        inner join health on compared.population = health.population and compared.dimension = health.dimension
    )

select *
from final
