with
    typed as (
        select country_raw
        from {{ ref("int_crm_contacts") }}
        union
        select country_raw
        from {{ ref("int_crm_companies") }}
        union
        select country_raw
        from {{ ref("stg_enrichment__companies") }}
        union
        select country_raw
        from {{ ref("stg_files__contacts") }}
        union
        select country_raw
        from {{ ref("stg_files__accounts") }}
    ),

    country_aliases as (select * from {{ ref("country_aliases") }}),

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'country'),

    -- U.S.A., Côte d'Ivoire and cote-d-ivoire: the alias as words, where only one country answers to them.
    alias_words as (
        select words, min(country_code) as country_code
        from (select {{ words_key("alias") }} as words, country_code from country_aliases) as spelled
        where words is not null
        group by words
        having count(distinct country_code) = 1
    ),

    worded as (select country_raw, {{ words_key("country_raw") }} as words from typed where country_raw is not null),

    final as (
        select
            worded.country_raw,
            coalesce(country_aliases.country_code, alias_words.country_code) as country_code,
            case
                when coalesce(country_aliases.country_code, alias_words.country_code) is not null
                then 'valid'
                when placeholders.value_key is not null
                then 'placeholder'
                else 'unknown'
            end as country_status,
            case
                when coalesce(country_aliases.country_code, alias_words.country_code) is not null
                then null
                when placeholders.value_key is not null
                then 'placeholder'
                else 'unknown_country'
            end as country_reason
        from worded
        left join country_aliases on lower(worded.country_raw) = country_aliases.alias
        left join alias_words on worded.words = alias_words.words
        left join placeholders on lower(worded.country_raw) = placeholders.value_key
    )

select *
from final
