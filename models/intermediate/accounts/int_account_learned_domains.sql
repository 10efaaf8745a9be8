-- Domains of company records that lack one, told by their people: of those who write from a domain that no record
-- bears,
-- several, and nearly all who say where they work, belong to this record.
with
    account_records as (select * from {{ ref("int_crm_account_records") }}),

    additional_domains as (
        select domains.domain
        from {{ split_rows("account_records", "additional_domains_raw") }} as additional
        inner join {{ ref("int_clean_domains") }} as domains on additional.part = domains.domain_raw
    ),

    known_domains as (
        select domain
        from account_records
        where domain is not null
        union
        select domain
        from additional_domains
        where domain is not null
    ),

    account_references as (select * from {{ ref("int_contact_account_references") }}),

    contact_names as (select * from {{ ref("int_contact_company_names") }} where not is_no_company),

    writers as (
        select contact_domains.contact_id, contact_domains.domain
        from {{ ref("int_contact_domains") }} as contact_domains
        left join known_domains on contact_domains.domain = known_domains.domain
        where known_domains.domain is null and not contact_domains.is_slip
    ),

    named as (
        select contact_names.contact_id, account_records.record_key
        from contact_names
        inner join
            account_records
            on contact_names.company_key = account_records.company_key
            and contact_names.country = account_records.country
    ),

    -- Where each of them works: as recorded, else as declared; a name that no record bears is a vote against.
    votes as (
        select contact_id, record_key
        from account_references
        union
        select named.contact_id, named.record_key
        from named
        left join account_references on named.contact_id = account_references.contact_id
        where account_references.contact_id is null
        union
        select contact_names.contact_id, 'none' as record_key
        from contact_names
        left join account_references on contact_names.contact_id = account_references.contact_id
        left join named on contact_names.contact_id = named.contact_id
        where account_references.contact_id is null and named.contact_id is null
    ),

    voters as (
        select writers.domain, count(distinct votes.contact_id) as contact_count
        from writers
        inner join votes on writers.contact_id = votes.contact_id
        group by writers.domain
    ),

    counted as (
        select writers.domain, votes.record_key, count(distinct votes.contact_id) as contact_count
        from writers
        inner join votes on writers.contact_id = votes.contact_id
        group by writers.domain, votes.record_key
    ),

    final as (
        select counted.record_key, counted.domain, counted.contact_count, voters.contact_count as voter_count
        from counted
        inner join voters on counted.domain = voters.domain
        inner join account_records on counted.record_key = account_records.record_key
        where
            account_records.domain is null
            and counted.contact_count >= {{ setting("learned_domain_min_contacts", "account_match_settings") }}
            and counted.contact_count
            >= voters.contact_count * {{ setting("learned_domain_min_share", "account_match_settings") }}
    )

select *
from final
