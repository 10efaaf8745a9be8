-- Who of the committee is engaged, by role. Roles that the seed does not know count as `unknown`. People are counted
-- once,
-- however many records and events they have (R30): a row of the scores is a person.
with
    contact_scores as (select * from {{ ref("int_contact_score_sums") }} where account_id is not null),
    roles as (select * from {{ ref("committee_roles") }}),

    people as (
        select
            contact_scores.account_id,
            coalesce(roles.buying_role, 'unknown') as buying_role,
            contact_scores.engagement_score,
            contact_scores.last_evidence_at,
            contact_scores.engagement_score >= {{ setting("engaged_min_score") }} as is_engaged,
            coalesce(
                {{ days_between("contact_scores.last_evidence_at", as_of()) }}
                <= {{ setting("committee_window_days", "reporting_settings") }},
                false
            ) as is_in_window
        from contact_scores
        left join roles on contact_scores.buying_role = roles.buying_role
    ),

    by_role as (
        select
            account_id,
            buying_role,
            count(*) as contacts,
            sum(case when is_engaged then 1 else 0 end) as engaged_contacts,
            sum(case when engagement_score > 0 then 1 else 0 end) as active_contacts,
            sum(case when is_in_window then 1 else 0 end) as active_in_window,
            sum(case when is_in_window and is_engaged then 1 else 0 end) as engaged_in_window,
            sum(greatest(engagement_score, 0)) as engagement_points,
            max(greatest(engagement_score, 0)) as top_engagement,
            max(case when is_engaged then last_evidence_at end) as engaged_last_evidence_at,
            max(case when engagement_score > 0 then last_evidence_at end) as active_last_evidence_at,
            max(case when is_in_window then last_evidence_at end) as last_active_at
        from people
        group by account_id, buying_role
    ),

    final as (
        select
            by_role.account_id,
            by_role.buying_role,
            by_role.contacts,
            cast(by_role.engaged_contacts as bigint) as engaged_contacts,
            cast(by_role.active_contacts as bigint) as active_contacts,
            cast(by_role.active_in_window as bigint) as active_in_window,
            cast(by_role.engaged_in_window as bigint) as engaged_in_window,
            cast(by_role.engagement_points as decimal(18, 6)) as engagement_points,
            cast(by_role.top_engagement as decimal(18, 6)) as top_engagement,
            -- Breadth: so many points for each engaged person, up to the number sought.
            cast(
                least(by_role.engaged_contacts, roles.need_count) * roles.coverage_points as decimal(18, 6)
            ) as coverage_points,
            -- Depth: what the role's people did, weighted by the role, then capped.
            cast(by_role.engagement_points * roles.weight / 100 as decimal(18, 6)) as depth_points,
            by_role.engaged_last_evidence_at,
            by_role.active_last_evidence_at,
            by_role.last_active_at,
            roles.weight,
            roles.depth_cap,
            roles.need_count,
            roles.is_decision
        from by_role
        inner join roles on by_role.buying_role = roles.buying_role
    )

select *
from final
