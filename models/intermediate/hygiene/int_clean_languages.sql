-- pt-br, Portuguese (Brazil), português: the language, and the region where one is named.
with
    typed as (
        select language as language_raw
        from {{ ref("int_crm_contacts") }}
        union
        select language as language_raw
        from {{ ref("stg_files__contacts") }}
    ),

    language_aliases as (select * from {{ ref("language_aliases") }}),

    country_aliases as (select * from {{ ref("country_aliases") }} where alias = lower(country_code)),

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'language'),

    split as (
        select
            language_raw,
            replace(lower(language_raw), '_', '-') as whole,
            {{ dbt.split_part("replace(lower(language_raw), '_', '-')", "'-'", 1) }} as first_part,
            {{ dbt.split_part("replace(lower(language_raw), '_', '-')", "'-'", 2) }} as second_part
        from typed
        where language_raw is not null
    ),

    matched as (
        select
            split.language_raw,
            coalesce(wholes.language_code, parts.language_code) as language_code,
            country_aliases.country_code as region_code,
            placeholders.value_key is not null as is_placeholder
        from split
        left join language_aliases as wholes on split.whole = wholes.alias
        left join language_aliases as parts on split.first_part = parts.alias
        left join country_aliases on split.second_part = country_aliases.alias
        left join placeholders on split.whole = placeholders.value_key
    ),

    final as (
        select
            language_raw,
            language_code,
            case when language_code is not null then region_code end as region_code,
            case
                when language_code is not null then 'valid' when is_placeholder then 'placeholder' else 'unknown'
            end as language_status,
            case
                when language_code is not null then null when is_placeholder then 'placeholder' else 'unknown_language'
            end as language_reason
        from matched
    )

select *
from final
