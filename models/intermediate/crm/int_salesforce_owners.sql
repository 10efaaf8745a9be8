-- People who own records. Who left is archived.
with
    users as (select * from {{ ref("int_salesforce_users") }} where not is_machine),

    final as (
        select
            user_id as owner_id,
            email,
            first_name,
            last_name,
            user_id,
            is_archived or not is_active as is_archived,
            created_at,
            updated_at,
            loaded_at
        from users
    )

select *
from final
