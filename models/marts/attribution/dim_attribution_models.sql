with
    attribution_models as (select * from {{ ref("attribution_models") }}),

    final as (
        select
            model,
            model_order,
            method,
            label_en,
            label_pt,
            definition,
            definition_pt,
            half_life_days,
            skips_direct,
            credit_until
        from attribution_models
    )

select *
from final
