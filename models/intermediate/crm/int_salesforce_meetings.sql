with
    events as (select * from {{ ref("stg_salesforce__events") }}),

    users as (select * from {{ ref("int_salesforce_users") }}),

    owners as (select owner_id from {{ ref("int_salesforce_owners") }}),

    final as (
        select
            events.record_id,
            events.created_at,
            events.updated_at,
            events.is_archived,
            events.archived_at,
            coalesce(events.activity_at, events.started_at, events.created_at) as activity_at,
            events.title,
            events.started_at,
            events.ended_at,
            upper({{ dbt.replace("events.outcome", "' '", "'_'") }}) as outcome,
            owners.owner_id,
            coalesce(
                events.record_source, case when users.is_machine then 'INTEGRATION' else 'CRM_UI' end
            ) as object_source,
            events.loaded_at
        from events
        left join users on events.created_by_id = users.user_id
        left join owners on events.owner_id = owners.owner_id
    )

select *
from final
