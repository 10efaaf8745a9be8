{#- Field, SQL expression of its value, of its qualifier (currency, code system). -#}
{%- set fields = [
    ("name", "name", "null"),
    ("domain", "domain", "null"),
    ("country", "country", "null"),
    ("industry", "industry", "null"),
    ("activity_code", "activity_code", "activity_code_system"),
    ("employee_count", "cast(employee_count as " ~ dbt.type_string() ~ ")", "null"),
    ("annual_revenue", "cast(annual_revenue as " ~ dbt.type_string() ~ ")", "revenue_currency"),
    ("owner_id", "owner_id", "null"),
] -%}

with
    records as (select * from {{ ref("int_account_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    enrichment as (select * from {{ ref("int_enrichment_companies") }} where is_newest),

    verified_values as (select * from {{ ref("int_verified_account_values") }} where problem is null),

    declared_quality as (select * from {{ ref("int_declared_quality") }} where entity = 'account'),

    impossible_pairs as (select * from {{ ref("int_impossible_pairs") }} where entity = 'account'),

    clean_codes as (
        select 'activity_code' as field, code_raw, system_raw, code_status from {{ ref("int_clean_activity_codes") }}
    ),

    members as (
        select
            clusters.account_id,
            records.source,
            records.record_id,
            records.record_key,
            'declared' as value_source,
            coalesce(records.updated_at, records.created_at) as as_of,
            not records.is_archived as is_live,
            clusters.is_leading,
            records.name,
            records.domain,
            records.country,
            records.industry,
            records.activity_code,
            records.activity_code_system,
            records.employee_count,
            records.annual_revenue,
            records.revenue_currency,
            records.owner_id
        from records
        inner join clusters on records.record_key = clusters.record_key
        union all
        select
            account_domains.account_id,
            enrichment.provider as source,
            enrichment.domain as record_id,
            enrichment.answer_key as record_key,
            'enriched' as value_source,
            enrichment.enriched_at as as_of,
            true as is_live,
            false as is_leading,
            enrichment.name,
            -- What a provider was asked by is no answer.
            cast(null as {{ dbt.type_string() }}) as domain,
            enrichment.country,
            cast(null as {{ dbt.type_string() }}) as industry,
            enrichment.activity_code,
            enrichment.activity_code_system,
            enrichment.employee_count,
            enrichment.annual_revenue,
            enrichment.revenue_currency,
            cast(null as {{ dbt.type_string() }}) as owner_id
        from enrichment
        inner join account_domains on enrichment.domain = account_domains.domain
    ),

    given as (
        {% for field, value, qualifier in fields %}
            select
                account_id,
                '{{ field }}' as field,
                {{ value }} as value,
                cast({{ qualifier }} as {{ dbt.type_string() }}) as qualifier,
                source,
                record_id,
                record_key,
                value_source,
                as_of,
                is_live,
                is_leading
            from members
            where {{ value }} is not null
            union all
        {% endfor %}
        select
            account_id,
            field,
            value,
            qualifier,
            coalesce(source, 'verified') as source,
            coalesce(record_id, domain) as record_id,
            verified_key as record_key,
            'verified' as value_source,
            verified_at as as_of,
            true as is_live,
            false as is_leading
        from verified_values
    ),

    valued as (
        select
            given.*,
            case
                when given.value_source != 'declared'
                then cast(null as {{ dbt.type_string() }})
                else coalesce(declared_quality.reason_code, impossible_pairs.reason_code)
            end as declared_reason,
            clean_codes.code_status
        from given
        left join declared_quality on given.field = declared_quality.field and given.value = declared_quality.value
        left join
            impossible_pairs on given.record_key = impossible_pairs.record_key and given.field = impossible_pairs.field
        left join
            clean_codes
            on given.field = clean_codes.field
            and given.value = clean_codes.code_raw
            and coalesce(given.qualifier, '') = clean_codes.system_raw
    ),

    rivals as (
        select
            *,
            case when declared_reason is null then 'ok' else 'suspect' end as declared_quality,
            case
                when value_source = 'verified'
                then 'verified'
                when code_status is not null
                then code_status
                when declared_reason is null
                then 'ok'
                else 'suspect'
            end as quality_status
        from valued
    ),

    ranked as (
        {{
            surviving_values(
                "rivals",
                "account",
                "account_id",
                ["qualifier", "record_id", "place", "declared_quality", "declared_reason"],
            )
        }}
    ),

    final as (
        select
            account_id,
            field,
            value,
            qualifier,
            source,
            record_id,
            record_key,
            value_source,
            as_of,
            is_surviving,
            place,
            lost_because,
            agrees,
            declared_quality,
            declared_reason
        from ranked
    )

select *
from final
