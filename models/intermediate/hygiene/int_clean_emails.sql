-- Every address as typed, once: cleaning costs Python time, so it runs on distinct values only.
with
    typed as (
        select email_raw
        from {{ ref("stg_hubspot__contacts") }}
        union
        select part as email_raw
        from {{ split_rows(ref("stg_hubspot__contacts"), "additional_emails_raw") }} as additional
        union
        select email_raw
        from {{ ref("stg_hubspot__form_submissions") }}
        union
        select email_raw
        from {{ ref("stg_hubspot__email_events") }}
        union
        select email_raw
        from {{ ref("stg_events__events") }}
        union
        select email_raw
        from {{ ref("stg_files__contacts") }}
    ),

    cleaned as (select email_raw, {{ clean_email("email_raw") }} as parts from typed where email_raw is not null),

    split as (
        select
            email_raw,
            {{ hygiene_part("parts", 1) }} as email,
            {{ hygiene_part("parts", 2) }} as email_canonical,
            {{ hygiene_part("parts", 3) }} as email_domain,
            {{ hygiene_part("parts", 4) }} as syntax_status,
            {{ hygiene_part("parts", 5) }} as reason
        from cleaned
    ),

    role_mailboxes as (select * from {{ ref("role_mailboxes") }}),

    disposable_domains as (select * from {{ ref("disposable_domains") }}),

    free_mail_domains as (select * from {{ ref("free_mail_domains") }}),

    final as (
        select
            split.email_raw,
            split.email,
            split.email_canonical,
            split.email_domain,
            case
                when split.syntax_status != 'valid'
                then split.syntax_status
                when disposable_domains.domain is not null
                then 'disposable'
                when role_mailboxes.local_part is not null
                then 'role'
                else 'valid'
            end as email_status,
            split.reason,
            free_mail_domains.domain is not null as is_free_mail,
            disposable_domains.domain is not null as is_disposable,
            role_mailboxes.local_part is not null as is_role
        from split
        left join role_mailboxes on {{ dbt.split_part("split.email", "'@'", 1) }} = role_mailboxes.local_part
        left join disposable_domains on split.email_domain = disposable_domains.domain
        left join free_mail_domains on split.email_domain = free_mail_domains.domain
    )

select *
from final
