with
    calls as (
        select
            source,
            'call' as activity_type,
            record_id,
            activity_at,
            created_at,
            title,
            case direction when 'INBOUND' then 'inbound' else 'outbound' end as direction,
            coalesce(disposition, status) as outcome_value,
            case source when 'salesforce' then 'CallDisposition' else 'hs_call_disposition' end as outcome_field,
            owner_id,
            object_source,
            is_archived,
            duration_ms
        from {{ ref("int_crm_calls") }}
    ),

    meetings as (
        select
            source,
            'meeting' as activity_type,
            record_id,
            coalesce(started_at, activity_at) as activity_at,
            created_at,
            title,
            'outbound' as direction,
            coalesce(outcome, 'SCHEDULED') as outcome_value,
            case source when 'salesforce' then 'Outcome__c' else 'hs_meeting_outcome' end as outcome_field,
            owner_id,
            object_source,
            is_archived,
            cast({{ dbt.datediff("started_at", "ended_at", "second") }} as bigint) * 1000 as duration_ms
        from {{ ref("int_crm_meetings") }}
    ),

    emails as (
        select
            source,
            'email' as activity_type,
            record_id,
            activity_at,
            created_at,
            title,
            case when direction in ('INCOMING_EMAIL', 'INBOUND') then 'inbound' else 'outbound' end as direction,
            case
                when direction in ('INCOMING_EMAIL', 'INBOUND') then 'REPLIED' else coalesce(status, 'SENT')
            end as outcome_value,
            case source when 'salesforce' then 'Email_Status__c' else 'hs_email_status' end as outcome_field,
            owner_id,
            object_source,
            is_archived,
            cast(null as bigint) as duration_ms
        from {{ ref("int_crm_emails") }}
    ),

    tasks as (
        select
            source,
            'task' as activity_type,
            record_id,
            activity_at,
            created_at,
            title,
            'outbound' as direction,
            coalesce(status, 'NOT_STARTED') as outcome_value,
            case source when 'salesforce' then 'Status' else 'hs_task_status' end as outcome_field,
            owner_id,
            object_source,
            is_archived,
            cast(null as bigint) as duration_ms
        from {{ ref("int_crm_tasks") }}
    ),

    activities as (
        select *
        from calls
        union all
        select *
        from meetings
        union all
        select *
        from emails
        union all
        select *
        from tasks
    ),

    outcomes as (select * from {{ ref("activity_outcomes") }}),

    classes as (select * from {{ ref("outcome_classes") }}),

    automation_sources as (select * from {{ ref("automation_sources") }}),

    final as (
        select
            activities.source,
            activities.activity_type,
            activities.record_id,
            activities.activity_at,
            activities.created_at,
            activities.title,
            activities.direction,
            coalesce(outcomes.outcome, 'unknown') as outcome,
            outcomes.outcome_class,
            coalesce(outcomes.is_human_contact, false) as is_human_contact,
            coalesce(classes.is_attempt, false) and activities.direction = 'outbound' as is_attempt,
            activities.owner_id,
            automation_sources.object_source is not null as is_automated,
            activities.is_archived,
            activities.duration_ms,
            activities.outcome_field,
            activities.outcome_value,
            -- Nobody knows what came of it: it is no attempt until somebody gives an outcome of the list (R51).
            case
                when activities.is_archived
                then 'archived_in_source'
                when outcomes.outcome is null
                then 'unknown_outcome'
            end as quarantine_reason
        from activities
        left join
            outcomes
            on activities.activity_type = outcomes.activity_type
            and activities.outcome_value = outcomes.source_value
        left join classes on outcomes.outcome_class = classes.outcome_class
        left join automation_sources on activities.object_source = automation_sources.object_source
    )

select *
from final
