-- A member that was a lead and was converted names both: it is the contact by now.
with
    members as (select * from {{ ref("stg_salesforce__campaign_members") }} where not is_archived),

    lists as (select list_id from {{ ref("observed_salesforce_lists") }}),

    final as (
        select
            members.campaign_id as list_id,
            coalesce(members.contact_id, members.lead_id) as record_id,
            max(members.created_at) as added_at,
            max(members.loaded_at) as read_at
        from members
        inner join lists on members.campaign_id = lists.list_id
        where coalesce(members.contact_id, members.lead_id) is not null
        group by members.campaign_id, coalesce(members.contact_id, members.lead_id)
    )

select *
from final
