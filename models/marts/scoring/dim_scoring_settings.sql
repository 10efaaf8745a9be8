with
    settings as (select * from {{ ref("scoring_settings") }}),

    final as (select setting, cast(value as decimal(18, 4)) as value, unit, description from settings)

select *
from final
