-- Which code rules a code meets, and which it could meet if more of it were known: of division 62 alone nobody can say
-- whether it is 6201.
with
    paths as (select * from {{ ref("int_activity_code_paths") }}),
    fit_rules as (select * from {{ ref("fit_rules") }} where operator = 'code_under'),
    fit_exclusions as (select * from {{ ref("fit_exclusions") }} where operator = 'code_under'),
    code_systems as (select alias, system from {{ ref("activity_code_systems") }}),

    code_rules as (
        select rule_id, value
        from fit_rules
        union
        select rule_id, value
        from fit_exclusions
    ),

    asked as (
        select
            code_rules.rule_id,
            code_systems.system,
            {{ plain_code(dbt.split_part("code_rules.value", "':'", 2)) }} as prefix
        from code_rules
        inner join code_systems on upper(trim({{ dbt.split_part("code_rules.value", "':'", 1) }})) = code_systems.alias
    ),

    -- ISIC may bear its section letter in front of the digits.
    prefixes as (
        select
            rule_id,
            system,
            case
                when prefix >= 'A' and {{ dbt.length("prefix") }} > 1 then substring(prefix, 2) else prefix
            end as prefix
        from asked
    ),

    compared as (
        select
            paths.activity_code,
            prefixes.rule_id,
            max(case when paths.code_path like prefixes.prefix || '%' then 1 else 0 end) as is_met,
            max(case when prefixes.prefix like paths.code_path || '%' then 1 else 0 end) as may_be_met
        from paths
        inner join prefixes on paths.system = prefixes.system
        group by paths.activity_code, prefixes.rule_id
    ),

    final as (select activity_code, rule_id, is_met = 1 as is_met from compared where is_met = 1 or may_be_met = 1)

select *
from final
