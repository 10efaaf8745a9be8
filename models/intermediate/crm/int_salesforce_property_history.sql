-- Values that fields took. Salesforce keeps changes, not beginnings: what a field held before its first change is
-- what it
-- held since the record was made.
with
    leads as (select * from {{ ref("stg_salesforce__leads") }}),

    changes as (
        select
            'contacts' as object_type,
            history.lead_id as object_id,
            history.field as property,
            history.old_value,
            history.new_value,
            history.created_at as changed_at,
            history.created_by_id,
            history.record_id as change_id,
            leads.created_at as born_at,
            -- The picklist speaks only where the org has no status of its own.
            case when leads.own_lead_status is null then 'Status' else 'Lead_Status__c' end as status_property,
            history.loaded_at
        from {{ ref("stg_salesforce__lead_history") }} as history
        inner join leads on history.lead_id = leads.record_id
        union all
        select
            'contacts' as object_type,
            history.contact_id as object_id,
            history.field as property,
            history.old_value,
            history.new_value,
            history.created_at as changed_at,
            history.created_by_id,
            history.record_id as change_id,
            contacts.created_at as born_at,
            'Lead_Status__c' as status_property,
            history.loaded_at
        from {{ ref("stg_salesforce__contact_history") }} as history
        inner join {{ ref("stg_salesforce__contacts") }} as contacts on history.contact_id = contacts.record_id
        union all
        select
            'companies' as object_type,
            history.account_id as object_id,
            history.field as property,
            history.old_value,
            history.new_value,
            history.created_at as changed_at,
            history.created_by_id,
            history.record_id as change_id,
            accounts.created_at as born_at,
            cast(null as {{ dbt.type_string() }}) as status_property,
            history.loaded_at
        from {{ ref("stg_salesforce__account_history") }} as history
        inner join {{ ref("stg_salesforce__accounts") }} as accounts on history.account_id = accounts.record_id
        union all
        select
            'deals' as object_type,
            history.opportunity_id as object_id,
            history.field as property,
            history.old_value,
            history.new_value,
            history.created_at as changed_at,
            history.created_by_id,
            history.record_id as change_id,
            opportunities.created_at as born_at,
            cast(null as {{ dbt.type_string() }}) as status_property,
            history.loaded_at
        from {{ ref("stg_salesforce__opportunity_field_history") }} as history
        inner join
            {{ ref("stg_salesforce__opportunities") }} as opportunities
            on history.opportunity_id = opportunities.record_id
    ),

    tracked as (select distinct object_id from changes where object_type = 'deals' and property = 'StageName'),

    -- Stages that no tracked field tells of, from the history that is always kept: one row after each change of several
    -- fields, so that a stage stands in it again and again.
    snapshots as (
        select
            history.opportunity_id,
            history.stage,
            history.created_at,
            history.created_by_id,
            history.record_id,
            history.loaded_at,
            lag(history.stage) over (
                partition by history.opportunity_id order by history.created_at, history.record_id
            ) as previous_stage
        from {{ ref("stg_salesforce__opportunity_history") }} as history
        left join tracked on history.opportunity_id = tracked.object_id
        where tracked.object_id is null
    ),

    named as (
        select
            changes.*,
            case
                when property = 'Owner'
                then 'owner_id'
                when property = 'Lifecycle_Stage__c'
                then 'lifecycle_stage'
                when property = status_property
                then 'lead_status'
                when property = 'StageName' and object_type = 'deals'
                then 'stage'
            end as field
        from changes
        -- A change of a look-up is told twice, by name and by id.
        where
            property != 'Owner'
            or coalesce(new_value, old_value) like '005%'
            or coalesce(new_value, old_value) like '00G%'
    ),

    numbered as (
        select
            named.*,
            row_number() over (
                partition by object_type, object_id, property order by changed_at, change_id
            ) as change_number
        from named
    ),

    valued as (
        select object_type, object_id, property, field, new_value as value, changed_at, created_by_id, loaded_at
        from numbered
        union all
        select
            object_type,
            object_id,
            property,
            field,
            old_value as value,
            born_at as changed_at,
            cast(null as {{ dbt.type_string() }}) as created_by_id,
            loaded_at
        from numbered
        where change_number = 1 and old_value is not null
        union all
        select
            'deals' as object_type,
            opportunity_id as object_id,
            'StageName' as property,
            'stage' as field,
            stage as value,
            created_at as changed_at,
            created_by_id,
            loaded_at
        from snapshots
        where previous_stage is null or previous_stage != stage
    ),

    statuses as (
        select value, means
        from {{ ref("crm_values") }}
        where source = 'salesforce' and entity = 'contacts' and field = 'lead_status'
    ),

    users as (select * from {{ ref("int_salesforce_users") }}),

    owners as (select owner_id from {{ ref("int_salesforce_owners") }}),

    final as (
        select
            valued.object_type,
            valued.object_id,
            valued.property,
            valued.field,
            case
                valued.field
                when 'owner_id'
                then owners.owner_id
                when 'lead_status'
                then coalesce(statuses.means, upper(valued.value))
                when 'lifecycle_stage'
                then lower(valued.value)
                else valued.value
            end as value,
            valued.changed_at,
            case
                when users.is_ours then 'INTEGRATION' when users.is_machine then 'AUTOMATION_PLATFORM' else 'CRM_UI'
            end as source_type,
            valued.created_by_id as source_id,
            case when not coalesce(users.is_machine, false) then valued.created_by_id end as updated_by_user_id,
            valued.loaded_at
        from valued
        left join statuses on lower(valued.value) = statuses.value
        left join users on valued.created_by_id = users.user_id
        left join owners on valued.value = owners.owner_id
    )

select *
from final
