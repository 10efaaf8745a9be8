with
    records as (select * from {{ ref("int_account_records") }}),

    subsidiaries as (select * from {{ ref("int_account_shared_domains") }}),

    domains as (select * from {{ ref("int_clean_domains") }} where domain is not null and not is_shared),

    merged_ids as (
        select record_key, source || ':' || part as identifier_value
        from {{ split_rows("records", "merged_record_ids") }} as merged
    ),

    additional_domains as (
        select additional.record_key, domains.domain
        from {{ split_rows("records", "additional_domains_raw") }} as additional
        inner join domains on additional.part = domains.domain_raw
    ),

    all_domains as (
        select record_key, domain
        from records
        where domain is not null
        union
        select record_key, domain
        from additional_domains
    ),

    identifiers as (
        select record_key, 'company_crm_id' as identifier_type, source || ':' || record_id as identifier_value
        from records
        where source != 'contact_domain'
        union all
        select record_key, 'company_crm_id' as identifier_type, identifier_value
        from merged_ids
        union all
        select all_domains.record_key, 'company_domain' as identifier_type, all_domains.domain as identifier_value
        from all_domains
        left join
            subsidiaries
            on all_domains.record_key = subsidiaries.record_key
            and all_domains.domain = subsidiaries.domain
        where subsidiaries.record_key is null
    ),

    final as (select distinct record_key, identifier_type, identifier_value from identifiers)

select *
from final
