-- Domains of addresses that look like a slip of another one, and the one that was probably meant. A suggestion for
-- people and for the matcher; no address is rewritten by it.
{% set longest_label = 40 %}
with
    parsed_emails as (select * from {{ ref("int_parsed_emails") }}),

    clean_domains as (select * from {{ ref("int_clean_domains") }}),

    mailbox_domains as (select * from {{ ref("mailbox_domains") }}),

    free_mail_domains as (select * from {{ ref("free_mail_domains") }}),

    disposable_domains as (select * from {{ ref("disposable_domains") }}),

    listed_slips as (select * from {{ ref("mail_domain_typos") }}),

    settings as (
        select
            {{ setting("mailbox_typo_edits", "hygiene_settings") }} as mailbox_typo_edits,
            {{ setting("mailbox_typo_min_letters", "hygiene_settings") }} as mailbox_typo_min_letters,
            {{ setting("company_typo_min_letters", "hygiene_settings") }} as company_typo_min_letters,
            {{ setting("company_typo_ratio", "hygiene_settings") }} as company_typo_ratio,
            {{ setting("company_typo_known_ratio", "hygiene_settings") }} as company_typo_known_ratio,
            {{ setting("company_typo_max_addresses", "hygiene_settings") }} as company_typo_max_addresses
    ),

    -- A domain that some system holds as a company's is no slip of another company's.
    company_domains as (
        select clean_domains.domain
        from {{ ref("int_crm_companies") }} as companies
        inner join clean_domains on companies.domain_raw = clean_domains.domain_raw
        union
        select clean_domains.domain
        from {{ ref("stg_enrichment__companies") }} as answers
        inner join clean_domains on answers.domain_raw = clean_domains.domain_raw
        union
        select clean_domains.domain
        from {{ ref("stg_files__accounts") }} as accounts
        inner join clean_domains on accounts.domain_raw = clean_domains.domain_raw
    ),

    written as (
        select email_domain, email_canonical
        from parsed_emails
        where email_domain is not null
        union all
        select {{ dbt.split_part("repaired_email", "'@'", 2) }} as email_domain, repaired_email as email_canonical
        from parsed_emails
        where repaired_email is not null
    ),

    counted as (select email_domain, count(distinct email_canonical) as addresses from written group by email_domain),

    domains as (
        select
            counted.email_domain,
            counted.addresses,
            clean_domains.domain_label as label,
            clean_domains.domain_suffix as suffix,
            clean_domains.is_known_suffix,
            free_mail_domains.domain is not null
            or disposable_domains.domain is not null
            or mailbox_domains.domain is not null as is_mailbox,
            company_domains.domain is not null as is_company
        from counted
        left join
            clean_domains
            on counted.email_domain = clean_domains.domain_raw
            -- Hosts below a domain (mail.acme.com) are their company's own business.
            and counted.email_domain = clean_domains.domain
        left join free_mail_domains on counted.email_domain = free_mail_domains.domain
        left join disposable_domains on counted.email_domain = disposable_domains.domain
        left join mailbox_domains on counted.email_domain = mailbox_domains.domain
        left join company_domains on counted.email_domain = company_domains.domain
    ),

    mailboxes as (
        select clean_domains.domain, clean_domains.domain_label as label, clean_domains.domain_suffix as suffix
        from mailbox_domains
        inner join clean_domains on mailbox_domains.domain = clean_domains.domain_raw
    ),

    listed as (
        select domains.email_domain, listed_slips.domain as suggested_domain, 'listed' as method, 0 as edits
        from domains
        inner join listed_slips on domains.email_domain = listed_slips.typo
    ),

    -- gmial.com, gmail.con: a letter away from a provider that everybody knows, with the provider's own ending or one
    -- that does not exist.
    near_mailboxes as (
        select
            domains.email_domain,
            mailboxes.domain as suggested_domain,
            'mailbox' as method,
            {{ edit_distance("domains.label", "mailboxes.label") }}
            + {{ edit_distance("domains.suffix", "mailboxes.suffix") }} as edits
        from domains
        cross join settings
        inner join
            mailboxes
            on {{ dbt.length("domains.label") }}
            between {{ dbt.length("mailboxes.label") }}
            - settings.mailbox_typo_edits and {{ dbt.length("mailboxes.label") }}
            + settings.mailbox_typo_edits
            and substring(domains.label, 1, 1) = substring(mailboxes.label, 1, 1)
        where
            not domains.is_mailbox
            and {{ dbt.length("mailboxes.label") }} >= settings.mailbox_typo_min_letters
            and {{ edit_distance("domains.label", "mailboxes.label") }} <= settings.mailbox_typo_edits
            and (
                domains.suffix = mailboxes.suffix
                or (
                    not domains.is_known_suffix
                    and {{ edit_distance("domains.suffix", "mailboxes.suffix") }} <= settings.mailbox_typo_edits
                )
            )
    ),

    -- uool.com.br: one letter typed twice, which tells a slip also of names too short for the comparison above
    letters as (
        {% for position in range(1, longest_label + 1) %}
            select {{ position }} as position {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    doubled_letters as (
        select distinct
            mailboxes.domain,
            mailboxes.suffix,
            substring(mailboxes.label, 1, letters.position)
            || substring(mailboxes.label, letters.position) as doubled_label
        from mailboxes
        inner join letters on letters.position <= {{ dbt.length("mailboxes.label") }}
    ),

    doubled_mailboxes as (
        select domains.email_domain, doubled_letters.domain as suggested_domain, 'mailbox' as method, 1 as edits
        from domains
        inner join
            doubled_letters on domains.label = doubled_letters.doubled_label and domains.suffix = doubled_letters.suffix
        where not domains.is_mailbox
    ),

    -- acme.con where people write from acme.com
    wrong_endings as (
        select
            domains.email_domain,
            others.email_domain as suggested_domain,
            'ending' as method,
            {{ edit_distance("domains.suffix", "others.suffix") }} as edits
        from domains
        inner join domains as others on domains.label = others.label
        where
            not domains.is_known_suffix
            and others.is_known_suffix
            and {{ edit_distance("domains.suffix", "others.suffix") }} <= 1
    ),

    -- One letter from a company's domain that far more people write from. Candidates share the name, or the name
    -- without one of its letters: equal keys are found by a hash join, not by comparing all with all.
    company_names as (
        select domains.email_domain, domains.label, domains.suffix, domains.addresses, domains.is_company
        from domains
        cross join settings
        where
            not domains.is_mailbox
            and domains.is_known_suffix
            and {{ dbt.length("domains.label") }} between settings.company_typo_min_letters and {{ longest_label }}
    ),

    name_keys as (
        select email_domain, suffix, label as name_key
        from company_names
        union
        select
            company_names.email_domain,
            company_names.suffix,
            substring(company_names.label, 1, letters.position - 1)
            || substring(company_names.label, letters.position + 1) as name_key
        from company_names
        inner join letters on letters.position <= {{ dbt.length("company_names.label") }}
    ),

    slip_keys as (
        select name_keys.email_domain, name_keys.suffix, name_keys.name_key
        from name_keys
        inner join company_names on name_keys.email_domain = company_names.email_domain
        cross join settings
        where not company_names.is_company and company_names.addresses <= settings.company_typo_max_addresses
    ),

    target_keys as (
        select name_keys.email_domain, name_keys.suffix, name_keys.name_key
        from name_keys
        inner join company_names on name_keys.email_domain = company_names.email_domain
        cross join settings
        where
            company_names.addresses >= settings.company_typo_ratio
            or (company_names.is_company and company_names.addresses >= settings.company_typo_known_ratio)
    ),

    name_pairs as (
        select distinct slip_keys.email_domain, target_keys.email_domain as suggested_domain
        from slip_keys
        inner join
            target_keys
            on slip_keys.name_key = target_keys.name_key
            and slip_keys.suffix = target_keys.suffix
            and slip_keys.email_domain != target_keys.email_domain
    ),

    near_companies as (
        select name_pairs.email_domain, name_pairs.suggested_domain, 'company' as method, 1 as edits
        from name_pairs
        inner join company_names as slips on name_pairs.email_domain = slips.email_domain
        inner join company_names as targets on name_pairs.suggested_domain = targets.email_domain
        cross join settings
        where
            {{ edit_distance("slips.label", "targets.label") }} = 1
            and targets.addresses
            >= slips.addresses
            * case when targets.is_company then settings.company_typo_known_ratio else settings.company_typo_ratio end
            -- acme1 and acme2 are two companies, or two years of one
            and {{ without_digits("slips.label") }} != {{ without_digits("targets.label") }}
    ),

    suggestions as (
        select *
        from listed
        union all
        select *
        from near_mailboxes
        union all
        select *
        from doubled_mailboxes
        union all
        select *
        from wrong_endings
        union all
        select *
        from near_companies
    ),

    ranked as (
        select
            suggestions.email_domain,
            suggestions.suggested_domain,
            suggestions.method,
            domains.addresses,
            row_number() over (
                partition by suggestions.email_domain
                order by
                    case suggestions.method when 'listed' then 1 when 'mailbox' then 2 when 'ending' then 3 else 4 end,
                    suggestions.edits,
                    coalesce(targets.addresses, 0) desc,
                    suggestions.suggested_domain
            ) as preference
        from suggestions
        inner join domains on suggestions.email_domain = domains.email_domain
        left join domains as targets on suggestions.suggested_domain = targets.email_domain
    ),

    final as (select email_domain, suggested_domain, method, addresses from ranked where preference = 1)

select *
from final
