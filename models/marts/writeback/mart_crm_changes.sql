{#
    Who changed what in the CRM, when, why: every value that we wrote, out of our ledger, and every change that the CRM's own
    history tells of the properties that are read with it. What we wrote comes back in that history: it stands here once, as
    ours. By the real clock, not cut at as-of.
#}
with
    writes as (
        select *
        from {{ ref("stg_ops__sync_writes") }}
        where outcome = 'written' and action in ('create', 'update', 'associate', 'list_add', 'list_remove', 'delete')
    ),

    plans as (select * from {{ ref("stg_ops__sync_plans") }}),

    -- A change that was read twice is one change.
    history as (
        select distinct source, object_type, object_id, property, value, changed_at, source_type, updated_by_user_id
        from {{ ref("int_crm_property_history") }}
    ),

    records as (select * from {{ ref("int_contact_records") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    contacts as (
        select records.source, records.record_id, clusters.contact_id
        from records
        inner join clusters on records.record_key = clusters.record_key
    ),

    valued as (select * from writes where action in ('create', 'update')),

    properties as (
        select
            write_id,
            member as property,
            {{ json_field("previous", "member") }} as previous_value,
            {{ blank_to_null("member_value") }} as new_value
        from {{ json_members("valued", "fields") }} as members
    ),

    -- A membership is a value of its own: the list's name, there or not.
    memberships as (
        select
            write_id,
            case when action = 'associate' then 'association' else 'list' end as property,
            case when action = 'list_remove' then {{ json_text("fields", "list_name") }} end as previous_value,
            case
                when action = 'list_add'
                then {{ json_text("fields", "list_name") }}
                when action = 'associate'
                then {{ json_text("fields", "to_id") }}
            end as new_value
        from writes
        where action in ('associate', 'list_add', 'list_remove')
    ),

    deletions as (
        select
            write_id,
            'record' as property,
            cast(null as {{ dbt.type_string() }}) as previous_value,
            cast(null as {{ dbt.type_string() }}) as new_value
        from writes
        where action = 'delete'
    ),

    written as (
        select *
        from properties
        union all
        select *
        from memberships
        union all
        select *
        from deletions
    ),

    ours as (
        select
            {{ hash_key(["'ledger'", "writes.write_id", "written.property"]) }} as change_id,
            writes.acknowledged_at as changed_at,
            writes.destination,
            writes.object,
            writes.record_id,
            written.property,
            written.previous_value,
            written.new_value,
            'leadhouse' as changed_by,
            cast(null as {{ dbt.type_string() }}) as user_id,
            writes.action,
            writes.sync,
            writes.plan_id,
            writes.run_id,
            plans.build_id,
            plans.ruleset_version,
            writes.reason
        from written
        inner join writes on written.write_id = writes.write_id
        left join plans on writes.plan_id = plans.plan_id
    ),

    -- The ledger's and the CRM's clocks differ, and a sandbox's may stand in another year: equal values, not times, say
    -- that a change in the history is one of ours.
    our_values as (
        select distinct destination, object, record_id, property, new_value from ours where new_value is not null
    ),

    changes_of_others as (
        select
            history.*,
            lag(history.value) over (
                partition by history.source, history.object_type, history.object_id, history.property
                order by history.changed_at
            ) as previous_value
        from history
    ),

    theirs as (
        select
            {{
                hash_key(
                    [
                        "'history'",
                        "changes_of_others.source",
                        "changes_of_others.object_type",
                        "changes_of_others.object_id",
                        "changes_of_others.property",
                        "changes_of_others.changed_at",
                        "changes_of_others.value",
                    ]
                )
            }} as change_id,
            changes_of_others.changed_at,
            changes_of_others.source as destination,
            changes_of_others.object_type as object,
            changes_of_others.object_id as record_id,
            changes_of_others.property,
            changes_of_others.previous_value,
            changes_of_others.value as new_value,
            case when changes_of_others.updated_by_user_id is null then 'program' else 'person' end as changed_by,
            changes_of_others.updated_by_user_id as user_id,
            'update' as action,
            cast(null as {{ dbt.type_string() }}) as sync,
            cast(null as {{ dbt.type_string() }}) as plan_id,
            cast(null as {{ dbt.type_string() }}) as run_id,
            cast(null as {{ dbt.type_string() }}) as build_id,
            cast(null as {{ dbt.type_string() }}) as ruleset_version,
            lower(changes_of_others.source_type) as reason
        from changes_of_others
        left join
            our_values
            on changes_of_others.updated_by_user_id is null
            and changes_of_others.source = our_values.destination
            and changes_of_others.object_id = our_values.record_id
            and changes_of_others.property = our_values.property
            and changes_of_others.value = our_values.new_value
        where our_values.record_id is null
    ),

    changes as (
        select *
        from ours
        union all
        select distinct *
        from theirs
    ),

    final as (
        select
            changes.change_id,
            changes.changed_at,
            changes.destination,
            changes.object,
            changes.record_id,
            contacts.contact_id,
            changes.property,
            changes.previous_value,
            changes.new_value,
            changes.changed_by,
            changes.user_id,
            changes.action,
            changes.sync,
            changes.plan_id,
            changes.run_id,
            changes.build_id,
            changes.ruleset_version,
            changes.reason
        from changes
        left join
            contacts
            on changes.destination = contacts.source
            and changes.record_id = contacts.record_id
            and changes.object in ('contacts', 'leads')
    )

select *
from final
