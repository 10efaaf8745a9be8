-- Every account that something says a contact belongs to, by every way of finding out. One row per contact, account and
-- way: of several values that say the same, one is shown and the newest counts.
with
    references_ as (select * from {{ ref("int_contact_account_references") }}),

    account_records as (select * from {{ ref("int_crm_account_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    contact_domains as (select * from {{ ref("int_contact_domains") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    name_matches as (select * from {{ ref("int_contact_name_matches") }}),

    account_names as (select * from {{ ref("int_account_names") }}),

    tree as (select * from {{ ref("int_account_roots") }}),

    decisions as (
        select * from {{ ref("int_account_decisions") }} where no_effect_because is null and decision = 'force'
    ),

    -- Members of a family by name; one that two members bear tells nothing.
    family_names as (
        select
            tree.root_account_id,
            account_names.company_key,
            min(account_names.account_id) as account_id,
            min(tree.depth) as depth
        from account_names
        inner join tree on account_names.account_id = tree.account_id
        group by tree.root_account_id, account_names.company_key
        having count(distinct account_names.account_id) = 1
    ),

    -- Who names the owner of the domain as well (or is several people behind one mailbox) stays with the owner.
    named_owners as (
        select distinct contact_domains.contact_id, account_domains.account_id
        from contact_domains
        inner join account_domains on contact_domains.domain = account_domains.domain
        inner join name_matches on contact_domains.contact_id = name_matches.contact_id
        inner join
            account_names
            on account_domains.account_id = account_names.account_id
            and name_matches.company_key = account_names.company_key
    ),

    -- Who writes from a company's domain and names a company below it works there.
    below_domains as (
        select
            contact_domains.contact_id,
            family_names.account_id,
            contact_domains.domain || ' > ' || name_matches.name_raw as matched_value,
            contact_domains.last_seen_at,
            contact_domains.is_live,
            contact_domains.is_main
        from contact_domains
        inner join account_domains on contact_domains.domain = account_domains.domain
        inner join tree on account_domains.account_id = tree.account_id
        inner join name_matches on contact_domains.contact_id = name_matches.contact_id
        inner join
            family_names
            on tree.root_account_id = family_names.root_account_id
            and name_matches.company_key = family_names.company_key
        left join
            named_owners
            on contact_domains.contact_id = named_owners.contact_id
            and account_domains.account_id = named_owners.account_id
        where family_names.depth > tree.depth and named_owners.contact_id is null
    ),

    found as (
        select
            contact_id,
            account_id,
            'decision' as match_method,
            account_source || ':' || account_record_id as matched_value,
            cast(decided_on as timestamp) as evidence_at,
            true as is_live,
            true as is_main
        from decisions
        union all
        select
            references_.contact_id,
            clusters.account_id,
            references_.match_method,
            account_records.source || ':' || account_records.record_id as matched_value,
            references_.last_seen_at as evidence_at,
            references_.is_live and not account_records.is_archived as is_live,
            true as is_main
        from references_
        inner join clusters on references_.record_key = clusters.record_key
        inner join account_records on references_.record_key = account_records.record_key
        union all
        select contact_id, account_id, 'parent_chain' as match_method, matched_value, last_seen_at, is_live, is_main
        from below_domains
        union all
        select
            contact_domains.contact_id,
            account_domains.account_id,
            case when contact_domains.is_slip then 'domain_slip' else 'domain' end as match_method,
            case
                when contact_domains.is_slip
                then contact_domains.written_domain || ' ~ ' || contact_domains.domain
                else contact_domains.domain
            end as matched_value,
            contact_domains.last_seen_at as evidence_at,
            contact_domains.is_live,
            contact_domains.is_main
        from contact_domains
        inner join account_domains on contact_domains.domain = account_domains.domain
        union all
        select
            contact_id,
            account_id,
            outcome as match_method,
            name_raw as matched_value,
            last_seen_at as evidence_at,
            is_live,
            true as is_main
        from name_matches
        where account_id is not null
    ),

    final as (
        select
            contact_id,
            account_id,
            match_method,
            min(matched_value) as matched_value,
            max(evidence_at) as evidence_at,
            max(case when is_live then 1 else 0 end) = 1 as is_live,
            max(case when is_main then 1 else 0 end) = 1 as is_main
        from found
        group by contact_id, account_id, match_method
    )

select *
from final
