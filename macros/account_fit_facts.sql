{#
    What is known of companies, as fit rules ask for it: a query with account_id, attribute, value, value_source, stated_at.

    Attributes go long, so that a rule is a join and a new attribute is a line here, never dynamic SQL. Values carry their
    source and date (R20); revenue is compared in the reporting currency. A code that no classification holds is not known.

    values: a query on int_account_attributes, one value of a field at most.
#}
{% macro account_fit_facts(values) %}
    with
        attributes as ({{ values }}),
        known_codes as (select distinct activity_code from {{ ref("int_activity_code_paths") }}),
        revenue_bands as (select * from {{ ref("revenue_bands") }}),
        domain_relations as (select distinct domain, domain_relation from {{ ref("int_domain_relations") }}),
        rates as (
            select *
            from {{ ref("int_currency_rates") }}
            where valid_from <= cast({{ as_of() }} as date) and valid_to > cast({{ as_of() }} as date)
        ),

        -- A revenue whose currency has no rate is not known. A comparison value, to the unit: exactness to the cent
        -- is not
        -- asked for, room for large currencies is.
        revenues as (
            select
                attributes.account_id,
                attributes.value_source,
                attributes.as_of,
                cast(
                    cast({{ to_decimal("attributes.value") }} as double) * cast(rates.rate as double) as decimal(28, 0)
                ) as revenue
            from attributes
            inner join rates on upper(attributes.qualifier) = rates.currency
            where attributes.field = 'annual_revenue'
        ),

        facts as (
            select account_id, field as attribute, value, value_source, as_of
            from attributes
            where field in ('country', 'industry', 'employee_count', 'domain')

            union all

            select
                attributes.account_id,
                'activity_code' as attribute,
                upper(coalesce(attributes.qualifier, 'NACE')) || ':' || attributes.value as value,
                attributes.value_source,
                attributes.as_of
            from attributes
            inner join
                known_codes
                on {{ plain_code("coalesce(attributes.qualifier, 'NACE') || ':' || attributes.value") }}
                = known_codes.activity_code
            where attributes.field = 'activity_code'

            union all

            select
                account_id,
                'annual_revenue' as attribute,
                cast(revenue as {{ dbt.type_string() }}) as value,
                value_source,
                as_of
            from revenues

            union all

            select
                revenues.account_id,
                'revenue_band' as attribute,
                revenue_bands.band,
                revenues.value_source,
                revenues.as_of
            from revenues
            inner join revenue_bands on {{ in_band("revenues.revenue", "revenue_bands") }}

            union all

            select
                attributes.account_id,
                'domain_relation' as attribute,
                domain_relations.domain_relation as value,
                'verified' as value_source,
                cast(null as timestamp) as as_of
            from attributes
            inner join domain_relations on attributes.value = domain_relations.domain
            where attributes.field = 'domain'
        ),

        final as (
            select account_id, attribute, value, value_source, as_of as stated_at from facts where value is not null
        )

    select *
    from final
{% endmacro %}
