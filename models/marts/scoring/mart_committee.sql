-- Roles that are sought stand at every account, also where nobody has them: that is what is missing. Roles that are not
-- sought (interns) stand where somebody has them.
with
    accounts as (select account_id from {{ ref("dim_accounts") }}),

    committee as (select * from {{ ref("int_account_committee") }}),

    roles as (select * from {{ ref("committee_roles") }}),

    account_roles as (
        select
            accounts.account_id,
            roles.buying_role,
            roles.label_en,
            roles.label_pt,
            roles.weight,
            roles.need_count,
            roles.coverage_points,
            roles.is_decision,
            coalesce(committee.contacts, 0) as people,
            coalesce(committee.engaged_contacts, 0) as engaged_people,
            coalesce(committee.active_in_window, 0) as active_people_in_window,
            coalesce(committee.engaged_in_window, 0) as engaged_people_in_window,
            committee.last_active_at
        from accounts
        cross join roles
        left join committee on accounts.account_id = committee.account_id and roles.buying_role = committee.buying_role
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
            cast(account_roles.coverage_points as decimal(12, 4)) as coverage_points,
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
