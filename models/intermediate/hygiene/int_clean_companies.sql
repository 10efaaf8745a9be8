with
    typed as (
        select company_name as name_raw
        from {{ ref("stg_hubspot__contacts") }}
        union
        select name_raw
        from {{ ref("int_form_company_answers") }}
        union
        select name as name_raw
        from {{ ref("stg_hubspot__companies") }}
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

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'company'),

    cleaned as (select name_raw, {{ clean_company("name_raw") }} as parts from typed where name_raw is not null),

    split as (
        select
            name_raw,
            {{ hygiene_part("parts", 1) }} as name,
            {{ hygiene_part("parts", 2) }} as company_key,
            {{ hygiene_part("parts", 3) }} as legal_form,
            {{ hygiene_part("parts", 4) }} as status,
            {{ hygiene_part("parts", 5) }} as reason,
            {{ hygiene_part("parts", 6) }} as typed_key
        from cleaned
    ),

    final as (
        select
            split.name_raw,
            case when placeholders.value_key is null then split.name end as name,
            case when placeholders.value_key is null then split.company_key end as company_key,
            case when placeholders.value_key is null then split.legal_form end as legal_form,
            case when placeholders.value_key is null then split.status else 'placeholder' end as company_status,
            case when placeholders.value_key is null then split.reason else 'placeholder' end as company_reason
        from split
        left join placeholders on split.typed_key = placeholders.value_key
    )

select *
from final
