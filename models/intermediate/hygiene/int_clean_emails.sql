-- Every address as typed, once: what the parser read, judged by the lists that marketing keeps. Lists are joined in
-- each
-- build, so that a changed line counts at once.
with
    parsed_emails as (select * from {{ ref("int_parsed_emails") }}),

    clean_domains as (select * from {{ ref("int_clean_domains") }}),

    suggestions as (select * from {{ ref("int_email_domain_suggestions") }}),

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'email'),

    role_mailboxes as (select * from {{ ref("role_mailboxes") }}),

    disposable_domains as (select * from {{ ref("disposable_domains") }}),

    free_mail_domains as (select * from {{ ref("free_mail_domains") }}),

    mail_domain_checks as (select * from {{ ref("mail_domain_checks") }} where not accepts_mail),

    likely as (
        select
            email_raw,
            coalesce(email, repaired_email) as written_email,
            {{ dbt.split_part("coalesce(email, repaired_email)", "'@'", 1) }} as local_part,
            {{ dbt.split_part("coalesce(email, repaired_email)", "'@'", 2) }} as written_domain
        from parsed_emails
    ),

    meant as (
        select
            likely.email_raw,
            case
                when suggestions.suggested_domain is not null
                then likely.local_part || '@' || suggestions.suggested_domain
                else likely.written_email
            end as suggested_email
        from likely
        left join suggestions on likely.written_domain = suggestions.email_domain
        -- A domain without its dot is worth a suggestion only where one is known.
        where suggestions.suggested_domain is not null or likely.written_domain like '%.%'
    ),

    suggested as (
        select meant.email_raw, meant.suggested_email, {{ clean_email("meant.suggested_email") }} as parts
        from meant
        inner join parsed_emails on meant.email_raw = parsed_emails.email_raw
        where parsed_emails.email is null or meant.suggested_email != parsed_emails.email
    ),

    judged as (
        select
            parsed_emails.email_raw,
            parsed_emails.email,
            parsed_emails.email_canonical,
            parsed_emails.email_domain,
            parsed_emails.syntax_status,
            parsed_emails.syntax_reason,
            parsed_emails.syntax_detail,
            {{ hygiene_part("suggested.parts", 1) }} as suggested_email,
            {{ hygiene_part("suggested.parts", 2) }} as suggested_email_canonical,
            placeholders.value_key is not null as is_placeholder,
            mail_domain_checks.domain is not null as takes_no_mail,
            free_mail_domains.domain is not null as is_free_mail,
            disposable_domains.domain is not null as is_disposable,
            role_mailboxes.local_part is not null as is_role
        from parsed_emails
        left join suggested on parsed_emails.email_raw = suggested.email_raw
        left join clean_domains on parsed_emails.email_domain = clean_domains.domain_raw
        left join placeholders on lower(parsed_emails.email_raw) = placeholders.value_key
        left join
            role_mailboxes
            -- info+event@ is info@
            on {{
                dbt.split_part(
                    dbt.split_part("parsed_emails.email", "'@'", 1),
                    "'+'",
                    1,
                )
            }} = role_mailboxes.local_part
        left join disposable_domains on clean_domains.domain = disposable_domains.domain
        left join free_mail_domains on parsed_emails.email_domain = free_mail_domains.domain
        left join mail_domain_checks on parsed_emails.email_domain = mail_domain_checks.domain
    ),

    final as (
        select
            email_raw,
            email,
            email_canonical,
            email_domain,
            case
                when is_placeholder
                then 'placeholder'
                when syntax_status != 'valid'
                then syntax_status
                when takes_no_mail
                then 'undeliverable'
                when is_disposable
                then 'disposable'
                when is_role
                then 'role'
                else 'valid'
            end as email_status,
            case
                when is_placeholder
                then 'placeholder'
                when syntax_status != 'valid'
                then coalesce(syntax_reason, syntax_status)
                when takes_no_mail
                then 'no_mail_for_domain'
                when is_disposable
                then 'disposable_domain'
                when suggested_email is not null
                then 'domain_slip'
                when is_role
                then 'role_mailbox'
            end as email_reason,
            syntax_detail as email_detail,
            suggested_email,
            suggested_email_canonical,
            is_free_mail,
            is_disposable,
            is_role
        from judged
    )

select *
from final
