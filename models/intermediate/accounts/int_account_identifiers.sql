with
    records as (select * from {{ ref("int_account_records") }}),

    parents as (select * from {{ ref("int_account_parent_records") }}),

    domains as (select * from {{ ref("int_clean_domains") }} where domain is not null and not is_shared),

    -- A subsidiary that shares its parent's domain is kept apart on purpose: the CRM has both. The domain stays the
    -- parent's.
    subsidiaries as (
        select records.record_key
        from records
        inner join parents on records.record_key = parents.record_key
        inner join records as parent_records on parents.parent_key = parent_records.record_key
        where records.domain = parent_records.domain
    ),

    merged_ids as (
        select record_key, source || ':' || part as identifier_value
        from {{ split_rows("records", "merged_record_ids") }} as merged
    ),

    additional_domains as (
        select additional.record_key, domains.domain
        from {{ split_rows("records", "additional_domains_raw") }} as additional
        inner join domains on additional.part = domains.domain_raw
    ),

    identifiers as (
        select record_key, 'company_crm_id' as identifier_type, source || ':' || record_id as identifier_value
        from records
        where source != 'contact_domain'
        union all
        select record_key, 'company_crm_id' as identifier_type, identifier_value
        from merged_ids
        union all
        select records.record_key, 'company_domain' as identifier_type, records.domain
        from records
        left join subsidiaries on records.record_key = subsidiaries.record_key
        where records.domain is not null and subsidiaries.record_key is null
        union all
        select record_key, 'company_domain' as identifier_type, domain
        from additional_domains
    ),

    final as (select distinct record_key, identifier_type, identifier_value from identifiers)

select *
from final
