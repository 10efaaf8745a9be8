with
    answers as (select * from {{ ref("stg_enrichment__companies") }}),

    cleaned as (select * from {{ ref("int_enrichment_companies") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    rates as (
        select *
        from {{ ref("int_currency_rates") }}
        where valid_from <= cast({{ as_of() }} as date) and valid_to > cast({{ as_of() }} as date)
    ),

    reporting_currency as (select currency from {{ ref("reporting_currency") }}),

    final as (
        select
            {{ hash_key(["answers.source_file", "answers.source_row"]) }} as call_id,
            answers.provider,
            answers.domain_raw,
            cleaned.domain,
            account_domains.account_id,
            answers.enriched_at as called_at,
            cast(
                case when answers.employee_count is not null then 1 else 0 end
                + case when answers.annual_revenue is not null then 1 else 0 end
                + case when answers.activity_code is not null then 1 else 0 end
                + case when cleaned.country is not null then 1 else 0 end as integer
            ) as facts_answered,
            coalesce(cleaned.is_newest, false) as is_newest,
            cast(answers.cost as decimal(18, 4)) as cost,
            answers.cost_currency,
            cast(answers.cost * rates.rate as decimal(18, 4)) as cost_reporting,
            reporting_currency.currency as reporting_currency
        from answers
        left join cleaned on answers.source_file = cleaned.source_file and answers.source_row = cleaned.source_row
        left join account_domains on cleaned.domain = account_domains.domain
        left join rates on answers.cost_currency = rates.currency
        cross join reporting_currency
        where answers.enriched_at <= {{ as_of() }}
    )

select *
from final
