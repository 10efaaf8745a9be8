-- Names that an account goes by: those of its records and those that enrichment gives, each with its country.
with
    records as (select * from {{ ref("int_account_records") }} where company_key is not null),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    enrichment as (select * from {{ ref("int_enrichment_companies") }} where is_newest),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    names as (select * from {{ ref("int_clean_company_names") }} where not is_no_company),

    borne as (
        select clusters.account_id, records.company_key, records.country
        from records
        inner join clusters on records.record_key = clusters.record_key
        inner join (select distinct company_key from names) as usable on records.company_key = usable.company_key
        union
        select account_domains.account_id, names.company_key, enrichment.country
        from enrichment
        inner join account_domains on enrichment.domain = account_domains.domain
        inner join names on enrichment.name = names.name_raw
    ),

    -- A record that lacks the country is where the account's other records are, if they agree.
    countries as (
        select account_id, min(country) as country
        from borne
        where country is not null
        group by account_id
        having count(distinct country) = 1
    ),

    located as (
        select distinct borne.account_id, borne.company_key, coalesce(borne.country, countries.country) as country
        from borne
        left join countries on borne.account_id = countries.account_id
    ),

    final as (
        select {{ hash_key(["account_id", "company_key", "country"]) }} as name_id, account_id, company_key, country
        from located
    )

select *
from final
