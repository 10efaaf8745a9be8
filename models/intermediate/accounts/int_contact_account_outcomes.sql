-- For every contact: its account, or why it has none.
with
    contacts as (select distinct contact_id from {{ ref("int_contact_clusters") }}),

    contact_accounts as (select * from {{ ref("int_contact_accounts") }}),

    -- Only who has none needs a reason.
    unmatched as (
        select contacts.contact_id
        from contacts
        left join contact_accounts on contacts.contact_id = contact_accounts.contact_id
        where contact_accounts.contact_id is null
    ),

    candidates as (select * from {{ ref("int_contact_account_candidates") }}),

    name_matches as (select * from {{ ref("int_contact_name_matches") }}),

    contact_domains as (select distinct contact_id from {{ ref("int_contact_domains") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    -- A slip of a free mailbox's domain is one.
    free_mail_slips as (
        select suggestions.email_domain
        from {{ ref("int_email_domain_suggestions") }} as suggestions
        inner join {{ ref("int_clean_domains") }} as domains on suggestions.suggested_domain = domains.domain_raw
        where domains.is_shared
    ),

    addresses as (
        select
            clusters.contact_id,
            max(
                case when records.is_free_mail or free_mail_slips.email_domain is not null then 1 else 0 end
            ) as has_free_mail,
            max(case when records.email_status = 'disposable' then 1 else 0 end) as has_disposable
        from records
        inner join clusters on records.record_key = clusters.record_key
        inner join unmatched on clusters.contact_id = unmatched.contact_id
        left join free_mail_slips on records.email_domain = free_mail_slips.email_domain
        group by clusters.contact_id
    ),

    exclusions as (
        select
            candidates.contact_id,
            max(case when excluded_because = 'below_threshold' then 1 else 0 end) as is_below_threshold,
            max(case when excluded_because = 'forbidden_by_decision' then 1 else 0 end) as is_forbidden
        from candidates
        inner join unmatched on candidates.contact_id = unmatched.contact_id
        group by candidates.contact_id
    ),

    name_outcomes as (
        select
            name_matches.contact_id,
            max(case when outcome = 'ambiguous_name' then 1 else 0 end) as is_ambiguous,
            max(case when outcome = 'other_country' then 1 else 0 end) as is_in_other_country,
            max(case when outcome = 'short_name' then 1 else 0 end) as is_short,
            max(case when outcome = 'unknown_name' then 1 else 0 end) as is_unknown,
            max(case when outcome = 'says_no_company' then 1 else 0 end) as says_none
        from name_matches
        inner join unmatched on name_matches.contact_id = unmatched.contact_id
        group by name_matches.contact_id
    ),

    final as (
        select
            contacts.contact_id,
            contact_accounts.account_id,
            case
                when contact_accounts.account_id is not null
                then null
                when exclusions.is_below_threshold = 1
                then 'below_threshold'
                when exclusions.is_forbidden = 1
                then 'forbidden_by_decision'
                when name_outcomes.is_ambiguous = 1
                then 'ambiguous_name'
                when name_outcomes.is_in_other_country = 1
                then 'name_in_other_country'
                when name_outcomes.is_short = 1
                then 'short_name'
                when contact_domains.contact_id is not null
                then 'shared_domain'
                when name_outcomes.is_unknown = 1
                then 'unknown_name'
                when name_outcomes.says_none = 1
                then 'says_no_company'
                when addresses.has_free_mail = 1
                then 'free_mail_only'
                when addresses.has_disposable = 1
                then 'disposable_mail_only'
                else 'no_company_evidence'
            end as no_account_reason
        from contacts
        left join contact_accounts on contacts.contact_id = contact_accounts.contact_id
        left join exclusions on contacts.contact_id = exclusions.contact_id
        left join name_outcomes on contacts.contact_id = name_outcomes.contact_id
        left join contact_domains on contacts.contact_id = contact_domains.contact_id
        left join addresses on contacts.contact_id = addresses.contact_id
    )

select *
from final
