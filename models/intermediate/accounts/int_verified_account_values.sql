-- What people of the team checked about companies (seeds/verified_values.csv): of a record, or of whoever has a
-- domain. A
-- line that names no known company, or whose value cannot be read, counts for nothing and says why.
with
    verified_values as (select * from {{ ref("verified_values") }} where entity = 'account'),

    records as (select * from {{ ref("int_account_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    found as (
        select
            verified_values.source,
            verified_values.record_id,
            lower(trim(verified_values.domain)) as domain,
            verified_values.field,
            verified_values.value as value_raw,
            verified_values.qualifier,
            verified_values.verified_by,
            cast(verified_values.verified_on as timestamp) as verified_at,
            coalesce(clusters.account_id, account_domains.account_id) as account_id,
            country_aliases.country_code
        from verified_values
        left join records on verified_values.source = records.source and verified_values.record_id = records.record_id
        left join clusters on records.record_key = clusters.record_key
        left join account_domains on lower(trim(verified_values.domain)) = account_domains.domain
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
                when 'country'
                then country_code
                when 'domain'
                then lower({{ blank_to_null("value_raw") }})
                when 'employee_count'
                then cast(cast({{ to_decimal("value_raw", 0) }} as bigint) as {{ dbt.type_string() }})
                when 'annual_revenue'
                then cast({{ to_decimal("value_raw") }} as {{ dbt.type_string() }})
                else {{ blank_to_null("value_raw") }}
            end as value
        from found
    ),

    final as (
        select
            {{ hash_key(["'verified_account'", "source", "record_id", "domain", "field"]) }} as verified_key,
            source,
            record_id,
            domain,
            account_id,
            field,
            value_raw,
            value,
            upper({{ blank_to_null("qualifier") }}) as qualifier,
            verified_by,
            verified_at,
            case when account_id is null then 'unknown_record' when value is null then 'unreadable_value' end as problem
        from readable
    )

select *
from final
