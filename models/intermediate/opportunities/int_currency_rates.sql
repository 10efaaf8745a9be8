-- Rates with the day on which the next one takes over.
with
    rates as (select * from {{ ref("currency_rates") }}),

    final as (
        select
            currency,
            valid_from,
            coalesce(
                lead(valid_from) over (partition by currency order by valid_from), cast('9999-12-31' as date)
            ) as valid_to,
            rate
        from rates
    )

select *
from final
