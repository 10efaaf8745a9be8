-- Buying role and seniority of each title as typed: the first rule whose pattern matches the title without accents.
with
    typed as (
        select job_title
        from {{ ref("int_crm_contacts") }}
        union
        select job_title
        from {{ ref("stg_files__contacts") }}
        union
        select job_title
        from {{ ref("int_event_people") }}
        union
        select job_title
        from {{ ref("int_form_people") }}
        union
        select {{ blank_to_null("value") }} as job_title
        from {{ ref("verified_values") }}
        where field = 'job_title'
    ),

    keyed as (select job_title, {{ words_key("job_title") }} as title_key from typed where job_title is not null),

    title_rules as (select * from {{ ref("title_rules") }}),

    titles as (select distinct title_key from keyed where title_key is not null),

    patterns as (select {{ dbt.listagg("pattern", "chr(31)", "order by priority") }} as in_order from title_rules),

    -- Numbered as they stand in that list.
    numbered as (
        select buying_role, seniority, confidence, priority, row_number() over (order by priority) as rule_number
        from title_rules
    ),

    found as (
        select titles.title_key, {{ first_match("titles.title_key", "patterns.in_order") }} as rule_number
        from titles
        cross join patterns
    ),

    matched as (
        select found.title_key, numbered.buying_role, numbered.seniority, numbered.priority, numbered.confidence
        from found
        inner join numbered on found.rule_number = numbered.rule_number
    ),

    final as (
        select
            keyed.job_title,
            keyed.title_key,
            coalesce(matched.buying_role, 'unknown') as buying_role,
            coalesce(matched.seniority, 'unknown') as seniority,
            matched.priority as rule_priority,
            cast(coalesce(matched.confidence, 0) as decimal(4, 2)) as confidence
        from keyed
        left join matched on keyed.title_key = matched.title_key
    )

select *
from final
