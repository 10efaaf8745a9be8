-- Company names as typed, each cleaned once: what the last build cleaned by the same code and legal forms is taken
-- over.
{% set cleaned_by = hygiene_version() ~ " || md5(" ~ rule_lines("legal_forms", ["position", "legal_form"]) ~ ")" %}
with
    typed as (
        select company_name as name_raw
        from {{ ref("int_crm_contacts") }}
        union
        select name_raw
        from {{ ref("int_form_company_answers") }}
        union
        select name as name_raw
        from {{ ref("int_crm_companies") }}
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

    {% if has_last_build(["name_raw", "parts", "cleaned_by"]) %}
        known as (
            select typed.name_raw, last_build.parts
            from typed
            inner join {{ this }} as last_build on typed.name_raw = last_build.name_raw
            where last_build.cleaned_by = {{ cleaned_by }}
        ),

        unread as (
            select typed.name_raw
            from typed
            left join known on typed.name_raw = known.name_raw
            where typed.name_raw is not null and known.name_raw is null
        ),
    {% else %} unread as (select name_raw from typed where name_raw is not null),
    {% endif %}

    cleaned as (
        select name_raw, {{ clean_company("name_raw") }} as parts
        from unread
        {% if has_last_build(["name_raw", "parts", "cleaned_by"]) %}
            union all
            select name_raw, parts
            from known
        {% endif %}
    ),

    split as (
        select
            name_raw,
            parts,
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
            case when placeholders.value_key is null then split.reason else 'placeholder' end as company_reason,
            split.parts,
            {{ cleaned_by }} as cleaned_by
        from split
        left join placeholders on split.typed_key = placeholders.value_key
    )

select *
from final
