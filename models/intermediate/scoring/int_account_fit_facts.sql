-- Attributes go long, so that a rule is a join and a new attribute is a line here, never dynamic SQL. Values carry
-- their
-- source (R20); revenue is compared in the reporting currency.
with
    attributes as (select * from {{ ref("int_account_attributes") }} where is_surviving),
    rates as (
        select *
        from {{ ref("int_currency_rates") }}
        where valid_from <= cast({{ as_of() }} as date) and valid_to > cast({{ as_of() }} as date)
    ),

    facts as (
        select account_id, field as attribute, value, value_source
        from attributes
        where field in ('country', 'industry', 'employee_count')

        union all

        select
            account_id,
            'activity_code' as attribute,
            upper(coalesce(qualifier, 'NACE')) || ':' || value as value,
            value_source
        from attributes
        where field = 'activity_code'

        union all

        -- A revenue whose currency has no rate is not known.
        select
            attributes.account_id,
            'annual_revenue' as attribute,
            -- A comparison value, to the unit: exactness to the cent is not asked for, room for large currencies is.
            cast(
                cast(
                    cast({{ to_decimal("attributes.value") }} as double) * cast(rates.rate as double) as decimal(28, 0)
                ) as {{ dbt.type_string() }}
            ) as value,
            attributes.value_source
        from attributes
        inner join rates on upper(attributes.qualifier) = rates.currency
        where attributes.field = 'annual_revenue'
    ),

    final as (select account_id, attribute, value, value_source from facts where value is not null)

select *
from final
