-- What people of the team checked (seeds/verified_values.csv), in the form that the other sources' values have.
-- A line that names no known record, or whose value cannot be read, counts for nothing and says why.
with
    verified_values as (select * from {{ ref("verified_values") }} where entity = 'contact'),

    records as (select * from {{ ref("int_contact_records") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    cleaned as (
        select
            verified_values.source,
            verified_values.record_id,
            verified_values.field,
            verified_values.value as value_raw,
            verified_values.verified_by,
            cast(verified_values.verified_on as timestamp) as verified_at,
            clusters.contact_id,
            {{ clean_email("case when verified_values.field = 'email' then verified_values.value end") }}
            as email_parts,
            {{ clean_phone("case when verified_values.field = 'phone' then verified_values.value end", "''") }}
            as phone_parts,
            country_aliases.country_code
        from verified_values
        left join records on verified_values.source = records.source and verified_values.record_id = records.record_id
        left join clusters on records.record_key = clusters.record_key
        left join
            country_aliases
            on verified_values.field = 'country'
            and lower(trim(verified_values.value)) = country_aliases.alias
    ),

    readable as (
        select
            *,
            case
                field
                when 'email'
                then {{ hygiene_part("email_parts", 1) }}
                when 'phone'
                then {{ hygiene_part("phone_parts", 1) }}
                when 'country'
                then country_code
                when 'employee_count'
                then cast(cast({{ to_decimal("value_raw", 0) }} as bigint) as {{ dbt.type_string() }})
                when 'annual_revenue'
                then cast({{ to_decimal("value_raw") }} as {{ dbt.type_string() }})
                else {{ blank_to_null("value_raw") }}
            end as value
        from cleaned
    ),

    final as (
        select
            {{ hash_key(["'verified_contact'", "source", "record_id", "field"]) }} as verified_key,
            source,
            record_id,
            contact_id,
            field,
            value_raw,
            value,
            case when field in ('email', 'phone') then 'valid' else 'ok' end as value_status,
            verified_by,
            verified_at,
            case when contact_id is null then 'unknown_record' when value is null then 'unreadable_value' end as problem
        from readable
    )

select *
from final
