-- Owners beside all the leads that the rules watch for them, so that a long list is not taken for a careless owner.
with
    lost as (select * from {{ ref("mart_lost_leads") }}),

    stages as (select * from {{ ref("dim_contact_stages") }}),

    -- Nobody is to work people who are archived, said no, or are excluded.
    contacts as (
        select *
        from {{ ref("dim_contacts") }}
        where
            not coalesce(is_archived_in_crm, false)
            and not coalesce(is_opted_out, false)
            and contact_id not in (select contact_id from {{ ref("int_contact_exclusions") }})
    ),

    rules as (select * from {{ ref("lead_care_rules") }}),

    watched_stages as (select distinct part as stage from {{ split_rows("rules", "stages", "|") }} as parts),

    watched as (
        select coalesce(contacts.owner_id, 'none') as owner_id, count(*) as watched_leads
        from stages
        inner join contacts on stages.contact_id = contacts.contact_id
        inner join watched_stages on stages.stage = watched_stages.stage
        group by coalesce(contacts.owner_id, 'none')
    ),

    counted as (
        select coalesce(owner_id, 'none') as owner_id, rule_id, reason, reason_pt, count(*) as leads, max(days) as days
        from lost
        group by coalesce(owner_id, 'none'), rule_id, reason, reason_pt
        union all
        select
            coalesce(owner_id, 'none') as owner_id,
            'any' as rule_id,
            'Any of them' as reason,
            'Qualquer um deles' as reason_pt,
            sum(case when is_first_reason then 1 else 0 end) as leads,
            max(days) as days
        from lost
        group by coalesce(owner_id, 'none')
    ),

    final as (
        select
            counted.owner_id,
            counted.rule_id,
            counted.reason,
            counted.reason_pt,
            cast(counted.leads as bigint) as leads,
            watched.watched_leads,
            cast(counted.leads / nullif(cast(watched.watched_leads as double), 0) as decimal(9, 6)) as leads_share,
            counted.days as oldest_days
        from counted
        inner join watched on counted.owner_id = watched.owner_id
    )

select *
from final
