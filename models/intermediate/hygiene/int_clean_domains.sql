with
    typed as (
        select domain_raw
        from {{ ref("stg_hubspot__companies") }}
        union
        select website as domain_raw
        from {{ ref("stg_hubspot__companies") }}
        union
        select part as domain_raw
        from {{ split_rows(ref("stg_hubspot__companies"), "additional_domains_raw") }} as additional
        union
        select domain_raw
        from {{ ref("stg_enrichment__companies") }}
        union
        select domain_raw
        from {{ ref("stg_files__accounts") }}
        union
        select email_domain as domain_raw
        from {{ ref("int_clean_emails") }}
    ),

    cleaned as (select domain_raw, {{ clean_domain("domain_raw") }} as domain from typed where domain_raw is not null),

    free_mail_domains as (select * from {{ ref("free_mail_domains") }}),

    disposable_domains as (select * from {{ ref("disposable_domains") }}),

    final as (
        select
            cleaned.domain_raw,
            cleaned.domain,
            -- A domain that names no company: people of many companies, or of none, write from it.
            free_mail_domains.domain is not null or disposable_domains.domain is not null as is_shared
        from cleaned
        left join free_mail_domains on cleaned.domain = free_mail_domains.domain
        left join disposable_domains on cleaned.domain = disposable_domains.domain
    )

select *
from final
