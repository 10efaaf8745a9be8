-- Who was engaged when a deal was created, judged by what they had done before it: nothing that a salesperson's meeting
-- stirred up later. Only the first deal of a company: a customer's next one is another matter.
with
    opportunities as (select * from {{ ref("fct_opportunities") }} where account_id is not null),

    touches as (
        select contact_id, account_id, touch_at
        from {{ ref("fct_touches") }}
        where is_inbound and not is_machine and contact_id is not null
    ),

    contacts as (select contact_id, buying_role from {{ ref("dim_contacts") }}),

    roles as (select * from {{ ref("committee_roles") }}),

    ranked as (
        select
            opportunities.*,
            row_number() over (partition by account_id order by created_at, opportunity_id) as deal_number
        from opportunities
    ),

    first_deals as (
        select opportunity_id, account_id, created_at, stage_kind, amount_reporting from ranked where deal_number = 1
    ),

    engaged as (
        select first_deals.opportunity_id, touches.contact_id
        from first_deals
        inner join touches on first_deals.account_id = touches.account_id
        where
            touches.touch_at < first_deals.created_at
            and {{ days_between("touches.touch_at", "first_deals.created_at") }}
            <= {{ setting("coverage_window_days", "outcome_settings") }}
        group by first_deals.opportunity_id, touches.contact_id
        having count(*) >= {{ setting("coverage_min_touches", "outcome_settings") }}
    ),

    by_role as (
        select engaged.opportunity_id, coalesce(contacts.buying_role, 'unknown') as buying_role, count(*) as people
        from engaged
        left join contacts on engaged.contact_id = contacts.contact_id
        group by engaged.opportunity_id, coalesce(contacts.buying_role, 'unknown')
    ),

    covered as (
        select
            by_role.opportunity_id,
            sum(by_role.people) as engaged_people,
            sum(case when roles.need_count > 0 then 1 else 0 end) as engaged_roles,
            sum(case when roles.is_decision then by_role.people else 0 end) as engaged_deciders,
            sum(least(by_role.people, coalesce(roles.need_count, 0))) as needed_people
        from by_role
        left join roles on by_role.buying_role = roles.buying_role
        group by by_role.opportunity_id
    ),

    needs as (select sum(need_count) as need_count from roles),

    final as (
        select
            first_deals.opportunity_id,
            first_deals.account_id,
            first_deals.created_at,
            first_deals.stage_kind,
            cast(coalesce(covered.engaged_people, 0) as bigint) as engaged_people,
            cast(coalesce(covered.engaged_roles, 0) as bigint) as engaged_roles,
            cast(coalesce(covered.engaged_deciders, 0) as bigint) as engaged_deciders,
            cast(
                100.0 * coalesce(covered.needed_people, 0) / nullif(needs.need_count, 0) as decimal(5, 2)
            ) as coverage_pct
        from first_deals
        left join covered on first_deals.opportunity_id = covered.opportunity_id
        cross join needs
    )

select *
from final
