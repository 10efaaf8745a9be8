-- Tasks by what they are: a call, an e-mail, or something to do (crm_values.csv), with who logged them.
with
    tasks as (select * from {{ ref("stg_salesforce__tasks") }}),

    kinds as (
        select value, means
        from {{ ref("crm_values") }}
        where source = 'salesforce' and entity = 'tasks' and field = 'subtype'
    ),

    users as (select * from {{ ref("int_salesforce_users") }}),

    owners as (select owner_id from {{ ref("int_salesforce_owners") }}),

    final as (
        select
            tasks.record_id,
            coalesce(kinds.means, 'task') as kind,
            tasks.created_at,
            tasks.updated_at,
            tasks.is_archived,
            tasks.archived_at,
            tasks.title,
            tasks.type,
            tasks.activity_at,
            tasks.completed_at,
            tasks.due_at,
            upper(tasks.call_type) as call_type,
            lower(tasks.call_disposition) as call_disposition,
            tasks.call_duration_in_seconds,
            tasks.email_direction,
            tasks.email_status,
            upper({{ dbt.replace("tasks.status", "' '", "'_'") }}) as status,
            owners.owner_id,
            -- Where the org keeps no field for it: whoever logged it tells.
            coalesce(
                tasks.record_source, case when users.is_machine then 'INTEGRATION' else 'CRM_UI' end
            ) as object_source,
            tasks.loaded_at
        from tasks
        left join kinds on lower(tasks.subtype) = kinds.value
        left join users on tasks.created_by_id = users.user_id
        left join owners on tasks.owner_id = owners.owner_id
    )

select *
from final
