-- The words of every rule that can stand on a score line.
with
    fit_rules as (select * from {{ ref("fit_rules") }}),
    signals as (select * from {{ ref("engagement_signals") }}),
    roles as (select * from {{ ref("committee_roles") }}),
    fit_exclusions as (select * from {{ ref("fit_exclusions") }}),

    rules as (
        select rule_id, reason_en, reason_pt, cast(null as bigint) as needed
        from fit_rules

        union all

        select
            rule_id,
            'Excluded: ' || reason_en as reason_en,
            'Excluído: ' || reason_pt as reason_pt,
            cast(null as bigint) as needed
        from fit_exclusions

        union all

        select signal_id as rule_id, reason_en, reason_pt, cast(null as bigint) as needed
        from signals

        union all

        select
            'committee:' || buying_role as rule_id,
            'Engaged ' || label_en || ': {count} (sought: {needed})' as reason_en,
            'Engajados, ' || label_pt || ': {count} (buscados: {needed})' as reason_pt,
            cast(need_count as bigint) as needed
        from roles

        union all

        select
            'depth:' || buying_role as rule_id,
            'Activity of ' || label_en || ' ({count} active)' as reason_en,
            'Atividade de ' || label_pt || ' (ativos: {count})' as reason_pt,
            cast(null as bigint) as needed
        from roles
    ),

    final as (
        select rule_id, false as is_cap, reason_en, reason_pt, needed
        from rules

        union all

        select
            rule_id,
            true as is_cap,
            'Limit of {value} points: ' || replace(replace(reason_en, ' ({times})', ''), ' {times}', '') as reason_en,
            'Limite de {value} pontos: ' || replace(replace(reason_pt, ' ({times})', ''), ' {times}', '') as reason_pt,
            needed
        from rules
    )

select *
from final
