-- Every company name as typed, once: cleaning costs Python time, so it runs on distinct values only.
with
    typed as (
        select name as name_raw
        from {{ ref("stg_hubspot__companies") }}
        union
        select company_name as name_raw
        from {{ ref("stg_hubspot__contacts") }}
        union
        select name_raw
        from {{ ref("int_form_company_answers") }}
        union
        select name as name_raw
        from {{ ref("stg_enrichment__companies") }}
        union
        select name as name_raw
        from {{ ref("stg_files__accounts") }}
        union
        select parent_ref as name_raw
        from {{ ref("stg_files__accounts") }}
        union
        select account_ref as name_raw
        from {{ ref("stg_files__contacts") }}
        union
        select account_ref as name_raw
        from {{ ref("stg_files__opportunities") }}
    ),

    cleaned as (select name_raw, {{ company_key("name_raw") }} as company_key from typed where name_raw is not null),

    no_company_names as (select distinct {{ company_key("name") }} as company_key from {{ ref("no_company_names") }}),

    final as (
        select
            cleaned.name_raw,
            cleaned.company_key,
            -- "Freelancer", "n/a": an answer, but no company.
            no_company_names.company_key is not null or cleaned.company_key is null as is_no_company
        from cleaned
        left join no_company_names on cleaned.company_key = no_company_names.company_key
    )

select *
from final
