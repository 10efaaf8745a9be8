-- Users, with who of them is a person and who writes for us (crm_machine_users.csv).
with
    users as (select * from {{ ref("stg_salesforce__users") }}),

    machine_users as (select * from {{ ref("crm_machine_users") }} where source = 'salesforce'),

    known as (
        select users.record_id, max(case machine_users.kind when 'own' then 1 else 0 end) as is_ours
        from users
        inner join machine_users on {{ matches("users.username", "machine_users.user_pattern") }}
        group by users.record_id
    ),

    final as (
        select
            users.record_id as user_id,
            users.email,
            users.first_name,
            users.last_name,
            users.username,
            coalesce(known.is_ours, 0) = 1 as is_ours,
            -- The platform's own users are of another type than people.
            known.record_id is not null or coalesce(users.user_type, 'Standard') != 'Standard' as is_machine,
            users.is_active,
            users.created_at,
            users.updated_at,
            users.is_archived,
            users.loaded_at
        from users
        left join known on users.record_id = known.record_id
    )

select *
from final
