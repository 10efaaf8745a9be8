{#
    A memory, not a computation: rows are only ever added, and `--full-refresh` leaves it alone. Which rules were in force last
    month was seen by the builds of last month; the rules of today do not tell.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="fail",
        full_refresh=false,
    )
}}

-- A build leaves a row where the rules, or the code that computes with them, are others than at the last one. One
-- pinned to a moment before the last change looks back: it adds nothing.
with
    versions as (select * from {{ ref("int_ruleset_version") }}),

    {% if is_incremental() %}
        numbered as (select *, row_number() over (order by change_number desc) as recency from {{ this }}),

        latest as (select * from numbered where recency = 1),
    {% else %}
        latest as (
            select
                0 as change_number,
                cast(null as {{ dbt.type_string() }}) as ruleset_version,
                cast(null as {{ dbt.type_string() }}) as code_version,
                cast(null as {{ dbt.type_timestamp() }}) as observed_at
            where 1 = 0
        ),
    {% endif %}

    final as (
        select
            cast(coalesce(latest.change_number, 0) + 1 as integer) as change_number,
            versions.ruleset_version,
            versions.code_version,
            case
                when latest.change_number is null
                then 'first'
                when versions.ruleset_version = latest.ruleset_version
                then 'code'
                when versions.code_version = latest.code_version
                then 'rules'
                else 'rules_and_code'
            end as change_kind,
            {{ as_of() }} as observed_at
        from versions
        left join latest on 1 = 1
        where
            latest.change_number is null
            or (
                latest.observed_at <= {{ as_of() }}
                and (
                    versions.ruleset_version is distinct from latest.ruleset_version
                    or versions.code_version is distinct from latest.code_version
                )
            )
    )

select *
from final
