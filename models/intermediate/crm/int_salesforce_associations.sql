-- Look-up fields and relation records as associations, by our names of the objects. Roles and relations that were
-- deleted
-- are none.
with
    contacts as (select * from {{ ref("stg_salesforce__contacts") }} where account_id is not null),

    opportunities as (select * from {{ ref("stg_salesforce__opportunities") }}),

    contact_roles as (select * from {{ ref("stg_salesforce__opportunity_contact_roles") }} where not is_archived),

    tasks as (select * from {{ ref("stg_salesforce__tasks") }}),

    activities as (select record_id, kind from {{ ref("int_salesforce_activities") }}),

    task_relations as (select * from {{ ref("stg_salesforce__task_relations") }} where not is_archived),

    events as (select * from {{ ref("stg_salesforce__events") }}),

    event_relations as (select * from {{ ref("stg_salesforce__event_relations") }} where not is_archived),

    links as (
        select 'contacts' as from_object, record_id as from_id, account_id as to_id, 'Primary' as label, loaded_at
        from contacts
        union all
        select 'deals' as from_object, record_id as from_id, account_id as to_id, 'Primary' as label, loaded_at
        from opportunities
        union all
        select
            'deals' as from_object,
            record_id as from_id,
            contact_id as to_id,
            cast(null as {{ dbt.type_string() }}) as label,
            loaded_at
        from opportunities
        union all
        select
            'deals' as from_object,
            opportunity_id as from_id,
            contact_id as to_id,
            case when is_primary then 'Primary' end as label,
            loaded_at
        from contact_roles
        {% for field in ["who_id", "what_id"] %}
            union all
            select
                activities.kind || 's' as from_object,
                tasks.record_id as from_id,
                tasks.{{ field }} as to_id,
                cast(null as {{ dbt.type_string() }}) as label,
                tasks.loaded_at
            from tasks
            inner join activities on tasks.record_id = activities.record_id
            union all
            select
                'meetings' as from_object,
                record_id as from_id,
                {{ field }} as to_id,
                cast(null as {{ dbt.type_string() }}) as label,
                loaded_at
            from events
        {% endfor %}
        union all
        select
            activities.kind || 's' as from_object,
            task_relations.task_id as from_id,
            task_relations.relation_id as to_id,
            cast(null as {{ dbt.type_string() }}) as label,
            task_relations.loaded_at
        from task_relations
        inner join activities on task_relations.task_id = activities.record_id
        union all
        select
            'meetings' as from_object,
            event_id as from_id,
            relation_id as to_id,
            cast(null as {{ dbt.type_string() }}) as label,
            loaded_at
        from event_relations
    ),

    -- The first three characters of an id are its object.
    typed as (
        select
            from_object,
            from_id,
            case
                substring(to_id, 1, 3)
                when '003'
                then 'contacts'
                when '00Q'
                then 'contacts'
                when '001'
                then 'companies'
                when '006'
                then 'deals'
            end as to_object,
            to_id,
            label,
            loaded_at
        from links
        where to_id is not null
    ),

    final as (
        select
            from_object,
            from_id,
            to_object,
            to_id,
            cast(null as bigint) as type_id,
            'SALESFORCE' as category,
            max(label) as label,
            max(loaded_at) as loaded_at
        from typed
        where to_object is not null
        group by from_object, from_id, to_object, to_id
    )

select *
from final
