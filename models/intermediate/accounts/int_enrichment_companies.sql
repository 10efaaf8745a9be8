-- The newest answer per domain and provider; older ones are superseded and counted in mart_record_conservation.
with
    answers as (select * from {{ ref("stg_enrichment__companies") }}),

    domains as (select * from {{ ref("int_clean_domains") }}),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    ranked as (
        select
            {{ hash_key(["answers.source_file", "answers.source_row"]) }} as answer_key,
            answers.domain_raw,
            answers.source_file,
            answers.source_row,
            domains.domain,
            answers.provider,
            answers.name,
            answers.employee_count,
            answers.annual_revenue,
            answers.revenue_currency,
            answers.activity_code,
            answers.activity_code_system,
            country_aliases.country_code as country,
            answers.enriched_at,
            row_number() over (
                partition by domains.domain, answers.provider
                order by answers.enriched_at desc, answers.source_file desc, answers.source_row desc
            ) as recency
        from answers
        left join domains on answers.domain_raw = domains.domain_raw
        left join country_aliases on lower(answers.country_raw) = country_aliases.alias
    ),

    final as (
        select
            answer_key,
            domain_raw,
            source_file,
            source_row,
            domain,
            provider,
            name,
            employee_count,
            annual_revenue,
            revenue_currency,
            activity_code,
            activity_code_system,
            country,
            enriched_at,
            case when domain is null then 'no_usable_domain' end as quarantine_reason,
            domain is not null and recency = 1 as is_newest
        from ranked
    )

select *
from final
