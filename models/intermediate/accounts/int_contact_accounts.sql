-- One account per contact: what the CRM says before what the address says.
with
    account_references as (select * from {{ ref("int_contact_account_references") }}),

    account_records as (select * from {{ ref("int_account_records") }}),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    contact_domains as (select * from {{ ref("int_contact_domains") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    match_rules as (select * from {{ ref("account_match_rules") }}),

    candidates as (
        select
            account_references.contact_id,
            clusters.account_id,
            account_references.match_method,
            case when account_records.is_archived then 1 else 0 end as is_archived,
            -- A company whose domain the contact writes from before another one.
            case when contact_domains.contact_id is null then 1 else 0 end as is_other_domain,
            account_records.created_at as tie_at
        from account_references
        inner join clusters on account_references.record_key = clusters.record_key
        inner join account_records on account_references.record_key = account_records.record_key
        left join
            contact_domains
            on account_references.contact_id = contact_domains.contact_id
            and account_records.domain = contact_domains.domain
        union all
        select
            contact_domains.contact_id,
            account_domains.account_id,
            'domain' as match_method,
            0 as is_archived,
            0 as is_other_domain,
            contact_domains.last_seen_at as tie_at
        from contact_domains
        inner join account_domains on contact_domains.domain = account_domains.domain
    ),

    ranked as (
        select
            candidates.contact_id,
            candidates.account_id,
            candidates.match_method,
            match_rules.confidence,
            row_number() over (
                partition by candidates.contact_id
                order by
                    candidates.is_archived,
                    match_rules.rank,
                    candidates.is_other_domain,
                    candidates.tie_at,
                    candidates.account_id
            ) as choice
        from candidates
        inner join match_rules on candidates.match_method = match_rules.match_method
    ),

    final as (
        select
            contact_id,
            account_id,
            case when match_method like 'association%' then 'association' else match_method end as match_method,
            confidence
        from ranked
        where choice = 1
    )

select *
from final
