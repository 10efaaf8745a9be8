-- Roles that are sought stand at every account, also where nobody has them: that is what is missing. Roles that are not
-- sought (interns) stand where somebody has them.
with
    accounts as (select account_id from {{ ref("dim_accounts") }}),

    contact_scores as (select * from {{ ref("int_contact_score_sums") }}),

    committee as (select * from {{ ref("int_account_committee") }}),

    roles as (select * from {{ ref("committee_roles") }}),

    signals as (select * from {{ ref("engagement_signals") }} where score_kind != 'negative'),

    engagement_days as (select * from {{ ref("int_engagement_daily") }}),

    -- One row a person, however often and from however many records they came (R30).
    active_contacts as (
        select engagement_days.contact_id, max(engagement_days.last_event_at) as last_active_at
        from engagement_days
        inner join signals on engagement_days.signal_id = signals.signal_id
        where
            engagement_days.last_event_at <= {{ as_of() }}
            and {{ days_between("engagement_days.last_event_at", as_of()) }}
            <= {{ setting("committee_window_days", "reporting_settings") }}
        group by engagement_days.contact_id
    ),

    active_by_role as (
        select
            contact_scores.account_id,
            coalesce(roles.buying_role, 'unknown') as buying_role,
            count(*) as active_people_in_window,
            sum(
                case when contact_scores.engagement_score >= {{ setting("engaged_min_score") }} then 1 else 0 end
            ) as engaged_people_in_window,
            max(active_contacts.last_active_at) as last_active_at
        from active_contacts
        inner join contact_scores on active_contacts.contact_id = contact_scores.contact_id
        left join roles on contact_scores.buying_role = roles.buying_role
        where contact_scores.account_id is not null
        group by contact_scores.account_id, coalesce(roles.buying_role, 'unknown')
    ),

    account_roles as (
        select
            accounts.account_id,
            roles.buying_role,
            roles.label_en,
            roles.label_pt,
            roles.weight,
            roles.need_count,
            roles.is_decision,
            coalesce(committee.contacts, 0) as people,
            coalesce(committee.engaged_contacts, 0) as engaged_people,
            coalesce(active_by_role.active_people_in_window, 0) as active_people_in_window,
            coalesce(active_by_role.engaged_people_in_window, 0) as engaged_people_in_window,
            active_by_role.last_active_at
        from accounts
        cross join roles
        left join committee on accounts.account_id = committee.account_id and roles.buying_role = committee.buying_role
        left join
            active_by_role
            on accounts.account_id = active_by_role.account_id
            and roles.buying_role = active_by_role.buying_role
        where roles.need_count > 0 or committee.contacts > 0
    ),

    coverages as (
        select
            account_id,
            100.0 * sum(least(engaged_people, need_count)) / nullif(sum(need_count), 0) as coverage_pct,
            {{
                dbt.listagg(
                    "case when need_count > 0 and engaged_people = 0 then label_en end",
                    "', '",
                    "order by weight desc, buying_role",
                )
            }} as missing_roles
        from account_roles
        group by account_id
    ),

    final as (
        select
            account_roles.account_id,
            account_roles.buying_role,
            account_roles.label_en,
            account_roles.label_pt,
            cast(account_roles.weight as decimal(5, 2)) as weight,
            account_roles.is_decision,
            cast(account_roles.need_count as bigint) as need_count,
            cast(account_roles.people as bigint) as people,
            cast(account_roles.engaged_people as bigint) as engaged_people,
            cast(account_roles.active_people_in_window as bigint) as active_people_in_window,
            cast(account_roles.engaged_people_in_window as bigint) as engaged_people_in_window,
            account_roles.last_active_at,
            account_roles.need_count > 0 and account_roles.engaged_people = 0 as is_missing,
            cast(
                100.0
                * least(account_roles.engaged_people, account_roles.need_count)
                / nullif(account_roles.need_count, 0) as decimal(5, 2)
            ) as role_coverage_pct,
            cast(coalesce(coverages.coverage_pct, 0) as decimal(5, 2)) as coverage_pct,
            coverages.missing_roles,
            {{ as_of() }} as as_of_at
        from account_roles
        inner join coverages on account_roles.account_id = coverages.account_id
    )

select *
from final
