-- Who belongs to which account, and who has a role in which opportunity, in the names that syncs use.
with
    links as (
        select *
        from {{ ref("int_salesforce_associations") }}
        where from_object in ('contacts', 'deals') and to_object in ('contacts', 'companies')
    ),

    final as (
        select
            case from_object when 'deals' then 'opportunities' else from_object end as from_object,
            from_id,
            case to_object when 'companies' then 'accounts' else to_object end as to_object,
            to_id,
            loaded_at as read_at
        from links
    )

select *
from final
