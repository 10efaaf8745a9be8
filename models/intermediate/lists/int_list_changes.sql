{#
    A memory, not a computation: rows are only ever added, and `--full-refresh` leaves it alone. Who was on a list last month was
    seen by the builds of last month and cannot be computed again.
#}
{{
    config(
        materialized="incremental",
        incremental_strategy="append",
        on_schema_change="fail",
        full_refresh=false,
    )
}}

-- Who came onto a list or left it, as each build saw it. A build leaves a row of its own (`build`) whenever it moved
-- the
-- clock, so that one pinned to a moment before the last is known to look back: it adds nothing. A second build at the
-- same
-- moment adds what changed in between, which is nothing where nothing changed.
with
    members as (select * from {{ ref("int_list_members") }}),

    versions as (select list_name, list_version from {{ ref("int_list_versions") }}),

    {% if is_incremental() %}
        numbered as (
            select *, row_number() over (partition by list_name, contact_id order by change_number desc) as recency
            from {{ this }}
            where change in ('enter', 'leave')
        ),

        latest as (select * from numbered where recency = 1),

        known_versions as (
            select list_name, list_version, change_number
            from
                (
                    select *, row_number() over (partition by list_name order by change_number desc) as recency
                    from {{ this }}
                    where change = 'version'
                ) as ranked
            where recency = 1
        ),

        last_build as (select max(observed_at) as observed_at from {{ this }}),
    {% else %}
        latest as (
            select
                cast(null as {{ dbt.type_string() }}) as list_name,
                cast(null as {{ dbt.type_string() }}) as contact_id,
                0 as change_number,
                cast(null as {{ dbt.type_string() }}) as change,
                cast(null as {{ dbt.type_string() }}) as list_version
            where 1 = 0
        ),

        known_versions as (
            select
                cast(null as {{ dbt.type_string() }}) as list_name,
                cast(null as {{ dbt.type_string() }}) as list_version,
                0 as change_number
            where 1 = 0
        ),

        last_build as (select cast(null as {{ dbt.type_timestamp() }}) as observed_at),
    {% endif %}

    this_build as (
        select {{ as_of() }} as observed_at, coalesce(last_build.observed_at < {{ as_of() }}, true) as moves_the_clock
        from last_build
        where last_build.observed_at is null or last_build.observed_at <= {{ as_of() }}
    ),

    entered as (
        select
            members.list_name,
            members.contact_id,
            coalesce(latest.change_number, 0) + 1 as change_number,
            'enter' as change,
            cast(null as {{ dbt.type_string() }}) as reason_code,
            members.reason,
            members.reason_pt,
            versions.list_version
        from members
        inner join versions on members.list_name = versions.list_name
        left join latest on members.list_name = latest.list_name and members.contact_id = latest.contact_id
        where latest.contact_id is null or latest.change = 'leave'
    ),

    left_behind as (
        select latest.*
        from latest
        left join members on latest.list_name = members.list_name and latest.contact_id = members.contact_id
        where latest.change = 'enter' and members.contact_id is null
    ),

    explained as (select * from ({{ list_exit_reasons("left_behind") }}) as exits),

    left_list as (
        select
            left_behind.list_name,
            left_behind.contact_id,
            left_behind.change_number + 1 as change_number,
            'leave' as change,
            explained.exit_code as reason_code,
            explained.reason,
            explained.reason_pt,
            coalesce(versions.list_version, left_behind.list_version) as list_version
        from left_behind
        left join
            explained on left_behind.list_name = explained.list_name and left_behind.contact_id = explained.contact_id
        left join versions on left_behind.list_name = versions.list_name
    ),

    defined_anew as (
        select
            versions.list_name,
            cast(null as {{ dbt.type_string() }}) as contact_id,
            coalesce(known_versions.change_number, 0) + 1 as change_number,
            'version' as change,
            cast(null as {{ dbt.type_string() }}) as reason_code,
            cast(null as {{ dbt.type_string() }}) as reason,
            cast(null as {{ dbt.type_string() }}) as reason_pt,
            versions.list_version
        from versions
        left join known_versions on versions.list_name = known_versions.list_name
        where versions.list_version is distinct from known_versions.list_version
    ),

    changes as (
        select *
        from entered
        union all
        select *
        from left_list
        union all
        select *
        from defined_anew
    ),

    final as (
        select
            {{ hash_key(["changes.list_name", "changes.contact_id", "changes.change_number"]) }} as change_id,
            changes.list_name,
            changes.contact_id,
            cast(changes.change_number as integer) as change_number,
            changes.change,
            changes.reason_code,
            changes.reason,
            changes.reason_pt,
            changes.list_version,
            this_build.observed_at
        from changes
        cross join this_build
        union all
        select
            {{ hash_key(["'build'", "observed_at"]) }} as change_id,
            cast(null as {{ dbt.type_string() }}) as list_name,
            cast(null as {{ dbt.type_string() }}) as contact_id,
            cast(null as integer) as change_number,
            'build' as change,
            cast(null as {{ dbt.type_string() }}) as reason_code,
            cast(null as {{ dbt.type_string() }}) as reason,
            cast(null as {{ dbt.type_string() }}) as reason_pt,
            cast(null as {{ dbt.type_string() }}) as list_version,
            observed_at
        from this_build
        where moves_the_clock
    )

select *
from final
