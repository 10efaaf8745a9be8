-- One row per lead and reason; a lead with several reasons stands with each, `is_first_reason` counts it once.
with
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

    owners as (select * from {{ ref("int_crm_owners") }}),

    steps as (select * from {{ ref("int_next_steps") }}),

    rules as (select * from {{ ref("lead_care_rules") }}),

    rule_stages as (select rule_id, part as stage from {{ split_rows("rules", "stages", "|") }} as parts),

    work as (
        select contact_id, max(activity_at) as last_worked_at
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and is_attempt and not is_automated and activity_at <= {{ as_of() }}
        group by contact_id
    ),

    leads as (
        select
            stages.contact_id,
            stages.account_id,
            stages.stage,
            stages.stage_since,
            contacts.owner_id,
            coalesce(owners.is_archived, false) as is_owner_inactive,
            steps.next_step_at,
            steps.oldest_overdue_at,
            work.last_worked_at,
            -- Nobody can have touched the lead of this stage before it came into it.
            greatest(stages.stage_since, coalesce(work.last_worked_at, stages.stage_since)) as untouched_since
        from stages
        inner join contacts on stages.contact_id = contacts.contact_id
        left join owners on contacts.owner_id = owners.owner_id
        left join steps on stages.contact_id = steps.contact_id
        left join work on stages.contact_id = work.contact_id
    ),

    measured as (
        select
            leads.*,
            rules.rule_id,
            rules.check_kind,
            rules.priority,
            rules.limit_days,
            rules.label_en,
            rules.label_pt,
            case
                rules.check_kind
                when 'overdue_step'
                then {{ days_between("leads.oldest_overdue_at", as_of()) }}
                when 'untouched'
                then {{ days_between("leads.untouched_since", as_of()) }}
                else {{ days_between("leads.stage_since", as_of()) }}
            end as days
        from leads
        inner join rule_stages on leads.stage = rule_stages.stage
        inner join rules on rule_stages.rule_id = rules.rule_id
    ),

    lost as (
        select *
        from measured
        where
            (check_kind = 'no_owner' and owner_id is null)
            or (check_kind = 'owner_inactive' and is_owner_inactive)
            or (check_kind = 'no_next_step' and next_step_at is null and oldest_overdue_at is null)
            or (check_kind = 'overdue_step' and next_step_at is null and days >= limit_days)
            or (check_kind = 'untouched' and next_step_at is null and days >= limit_days)
    ),

    final as (
        select
            {{ hash_key(["contact_id", "rule_id"]) }} as lost_lead_id,
            contact_id,
            account_id,
            stage,
            stage_since,
            owner_id,
            rule_id,
            label_en as reason,
            label_pt as reason_pt,
            cast(days as decimal(9, 2)) as days,
            last_worked_at,
            next_step_at,
            oldest_overdue_at,
            row_number() over (partition by contact_id order by priority, rule_id) = 1 as is_first_reason,
            {{ as_of() }} as as_of_at
        from lost
    )

select *
from final
