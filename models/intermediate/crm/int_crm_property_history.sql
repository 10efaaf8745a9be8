-- A value that our own write-back set is told from one that a person or the CRM's automation set
-- (crm_machine_users.csv).
with
    history as (
        {{
            union_crm(
                "property_history",
                [
                    "object_type",
                    "object_id",
                    "property",
                    "field",
                    "value",
                    "changed_at",
                    "source_type",
                    "source_id",
                    "updated_by_user_id",
                    "loaded_at",
                ],
            )
        }}
    ),

    machine_users as (select * from {{ ref("crm_machine_users") }} where source = 'hubspot' and kind = 'own'),

    -- HubSpot names the app, Salesforce the user.
    own_writers as (
        select distinct history.source, history.source_id
        from (select distinct source, source_id from history where source_id is not null) as history
        inner join
            machine_users
            on history.source = machine_users.source
            and {{ matches("history.source_id", "machine_users.user_pattern") }}
        union
        select 'salesforce' as source, user_id as source_id
        from {{ ref("int_salesforce_users") }}
        where is_ours
    ),

    final as (
        select
            history.source,
            history.object_type,
            history.object_id,
            history.property,
            history.field,
            history.value,
            history.changed_at,
            history.source_type,
            history.source_id,
            history.updated_by_user_id,
            coalesce(history.source_type = 'INTEGRATION' and own_writers.source_id is not null, false) as is_own_write,
            history.loaded_at
        from history
        left join own_writers on history.source = own_writers.source and history.source_id = own_writers.source_id
    )

select *
from final
