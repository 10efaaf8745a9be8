-- Buying role and seniority of each title as typed: the first rule whose pattern matches the title without accents.
with
    typed as (
        select job_title
        from {{ ref("stg_hubspot__contacts") }}
        union
        select job_title
        from {{ ref("stg_files__contacts") }}
        union
        select job_title
        from {{ ref("int_event_people") }}
        union
        select job_title
        from {{ ref("int_form_people") }}
    ),

    keyed as (select job_title, {{ words_key("job_title") }} as title_key from typed where job_title is not null),

    title_rules as (select * from {{ ref("title_rules") }}),

    titles as (select distinct title_key from keyed where title_key is not null),

    matched as (
        select
            titles.title_key,
            title_rules.buying_role,
            title_rules.seniority,
            title_rules.confidence,
            title_rules.priority,
            row_number() over (partition by titles.title_key order by title_rules.priority) as rule_rank
        from titles
        inner join title_rules on {{ matches("titles.title_key", "title_rules.pattern") }}
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
        left join matched on keyed.title_key = matched.title_key and matched.rule_rank = 1
    )

select *
from final
