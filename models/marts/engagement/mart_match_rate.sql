-- How much of what marketing does is tied to people whom the CRM knows (R85). Every touch is counted once.
with
    touches as (select * from {{ ref("fct_touches") }}),

    crm_contacts as (select distinct contact_id from {{ ref("int_contact_crm_ids") }}),

    counted as (
        select
            cast({{ dbt.date_trunc("month", "touches.touch_at") }} as date) as month_on,
            touches.touch_type,
            touches.channel,
            count(*) as touches,
            count(touches.contact_id) as touches_with_contact,
            count(crm_contacts.contact_id) as touches_with_crm_contact,
            count(distinct touches.contact_id) as contacts,
            count(distinct crm_contacts.contact_id) as crm_contacts
        from touches
        left join crm_contacts on touches.contact_id = crm_contacts.contact_id
        group by 1, 2, 3
    ),

    final as (
        select
            month_on,
            touch_type,
            channel,
            cast(touches as bigint) as touches,
            cast(touches_with_contact as bigint) as touches_with_contact,
            cast(touches_with_crm_contact as bigint) as touches_with_crm_contact,
            cast(100.0 * touches_with_contact / touches as decimal(6, 3)) as match_rate_pct,
            cast(100.0 * touches_with_crm_contact / touches as decimal(6, 3)) as crm_match_rate_pct,
            cast(contacts as bigint) as contacts,
            cast(crm_contacts as bigint) as crm_contacts,
            {{ as_of() }} as as_of_at
        from counted
    )

select *
from final
