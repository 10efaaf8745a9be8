with
    records as (select * from {{ ref("int_account_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    enrichment as (select * from {{ ref("int_enrichment_companies") }} where is_newest),

    members as (
        select
            clusters.account_id,
            records.source,
            records.record_id,
            records.record_key,
            'declared' as value_source,
            coalesce(records.updated_at, records.created_at) as as_of,
            case when records.is_archived then 5 else 0 end
            + case when clusters.is_leading then 0 else 1 end as quality,
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
            0 as quality,
            enrichment.name,
            enrichment.domain,
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

    valued as (
        {% set fields = [
            ("name", "name", "null"),
            ("domain", "domain", "null"),
            ("country", "country", "null"),
            ("industry", "industry", "null"),
            ("activity_code", "activity_code", "activity_code_system"),
            ("employee_count", "cast(employee_count as " ~ dbt.type_string() ~ ")", "null"),
            ("annual_revenue", "cast(annual_revenue as " ~ dbt.type_string() ~ ")", "revenue_currency"),
            ("owner_id", "owner_id", "null"),
        ] %}
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
                quality
            from members
            where {{ value }} is not null {% if field == "domain" %} and value_source = 'declared' {% endif %}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    ranked as ({{ surviving_values("valued", "account", "account_id") }}),

    final as (
        select account_id, field, value, qualifier, source, record_id, record_key, value_source, as_of, is_surviving
        from ranked
    )

select *
from final
