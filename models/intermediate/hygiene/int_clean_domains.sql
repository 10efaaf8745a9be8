with
    typed as (
        select domain_raw
        from {{ ref("int_crm_companies") }}
        union
        select website as domain_raw
        from {{ ref("int_crm_companies") }}
        union
        select part as domain_raw
        from {{ split_rows(ref("int_crm_companies"), "additional_domains_raw") }} as additional
        union
        select domain_raw
        from {{ ref("stg_enrichment__companies") }}
        union
        select domain_raw
        from {{ ref("stg_files__accounts") }}
        union
        select email_domain as domain_raw
        from {{ ref("int_parsed_emails") }}
        union
        select {{ dbt.split_part("repaired_email", "'@'", 2) }} as domain_raw
        from {{ ref("int_parsed_emails") }}
        where repaired_email is not null
        union
        select domain as domain_raw
        from {{ ref("mailbox_domains") }}
    ),

    cleaned as (select domain_raw, {{ clean_host("domain_raw") }} as parts from typed where domain_raw is not null),

    split as (
        select
            domain_raw,
            {{ hygiene_part("parts", 1) }} as domain,
            {{ hygiene_part("parts", 2) }} as domain_label,
            {{ hygiene_part("parts", 3) }} as domain_suffix,
            {{ hygiene_part("parts", 4) }} is not null as is_known_suffix
        from cleaned
    ),

    free_mail_domains as (select * from {{ ref("free_mail_domains") }}),

    disposable_domains as (select * from {{ ref("disposable_domains") }}),

    final as (
        select
            split.domain_raw,
            split.domain,
            split.domain_label,
            split.domain_suffix,
            split.is_known_suffix,
            -- A domain that names no company: people of many companies, or of none, write from it.
            free_mail_domains.domain is not null or disposable_domains.domain is not null as is_shared
        from split
        left join free_mail_domains on split.domain = free_mail_domains.domain
        left join disposable_domains on split.domain = disposable_domains.domain
    )

select *
from final
