-- Names that an account goes by: those of its records, those that enrichment gives and, where only addresses tell of
-- it,
-- those that several of its people declare; each with its country.
with
    records as (select * from {{ ref("int_account_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    enrichment as (select * from {{ ref("int_enrichment_companies") }} where is_newest),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    contact_domains as (select * from {{ ref("int_contact_domains") }}),

    contact_names as (select * from {{ ref("int_contact_company_names") }} where not is_no_company),

    names as (select * from {{ ref("int_clean_company_names") }} where not is_no_company),

    recorded as (
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

    -- A name that a record bears is that company's, whoever declares it.
    declared as (
        select
            account_domains.account_id,
            contact_names.company_key,
            case when count(distinct contact_names.country) = 1 then min(contact_names.country) end as country
        from contact_domains
        inner join account_domains on contact_domains.domain = account_domains.domain
        inner join records on account_domains.account_id = records.record_key and records.source = 'contact_domain'
        inner join contact_names on contact_domains.contact_id = contact_names.contact_id
        left join (select distinct company_key from recorded) as known on contact_names.company_key = known.company_key
        where known.company_key is null
        group by account_domains.account_id, contact_names.company_key
        having
            count(distinct contact_names.contact_id)
            >= {{ setting("learned_name_min_contacts", "account_match_settings") }}
    ),

    borne as (
        select account_id, company_key, country
        from recorded
        union
        select account_id, company_key, country
        from declared
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
