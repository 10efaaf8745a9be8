with
    accounts as (select account_id from {{ ref("dim_accounts") }}),
    lines as (select * from {{ ref("int_account_score_lines") }}),
    committee as (select * from {{ ref("int_account_committee") }}),
    roles as (select * from {{ ref("committee_roles") }}),
    ranges as (select * from {{ ref("int_account_fit_ranges") }}),
    bands as (select * from {{ ref("score_bands") }} where entity = 'account'),
    matrix as (select * from {{ ref("grade_matrix") }} where entity = 'account'),
    reasons as (select * from {{ ref("int_account_reasons") }}),
    exclusions as (select * from {{ ref("int_account_exclusions") }}),
    grades as (select * from {{ ref("grades") }}),
    versions as (select * from {{ ref("int_ruleset_version") }}),

    -- Who is excluded is left to nobody, whatever the score.
    worst_grade as (select max(grade) as grade from grades where grade_order = (select max(grade_order) from grades)),

    sums as (
        select
            account_id,
            sum(case when score_kind = 'fit' then points end) as fit_score,
            sum(case when score_kind != 'fit' then points end) as engagement_score
        from lines
        group by account_id
    ),

    -- Every role that is sought, for every account with people, engaged or not.
    account_roles as (
        select
            people.account_id,
            roles.buying_role,
            roles.label_en,
            roles.weight,
            roles.need_count,
            roles.is_decision,
            coalesce(committee.engaged_contacts, 0) as engaged_contacts,
            coalesce(committee.engaged_in_window, 0) as engaged_in_window,
            committee.top_engagement
        from (select distinct account_id from committee) as people
        cross join roles
        left join committee on people.account_id = committee.account_id and roles.buying_role = committee.buying_role
    ),

    committees as (
        select
            account_id,
            sum(engaged_contacts) as engaged_contacts,
            sum(engaged_in_window) as engaged_in_window,
            -- Mean over the roles that are there, by weight, of the most engaged person of each.
            sum(top_engagement * weight)
            / nullif(sum(case when top_engagement is not null then weight end), 0) as buying_group_score,
            sum(case when is_decision then engaged_contacts else 0 end) as engaged_deciders,
            {{
                dbt.listagg(
                    "case when engaged_contacts > 0 then label_en || ': ' || cast(engaged_contacts as "
                    ~ dbt.type_string()
                    ~ ") end",
                    "', '",
                    "order by weight desc, buying_role",
                )
            }} as committee,
            {{
                dbt.listagg(
                    "case when need_count > 0 and engaged_contacts = 0 then label_en end",
                    "', '",
                    "order by weight desc, buying_role",
                )
            }} as missing_roles,
            sum(least(engaged_contacts, need_count)) / nullif(cast(sum(need_count) as double), 0) as completeness
        from account_roles
        group by account_id
    ),

    scored as (
        select
            accounts.account_id,
            cast(coalesce(sums.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(coalesce(sums.engagement_score, 0) as decimal(18, 6)) as engagement_score,
            cast(coalesce(committees.engaged_contacts, 0) as bigint) as engaged_contacts,
            cast(coalesce(committees.engaged_in_window, 0) as bigint) as engaged_contacts_in_window,
            cast(coalesce(committees.engaged_deciders, 0) as bigint) as engaged_deciders,
            cast(coalesce(committees.buying_group_score, 0) as decimal(18, 6)) as buying_group_score,
            committees.committee,
            committees.missing_roles,
            cast(coalesce(committees.completeness, 0) as decimal(5, 4)) as committee_completeness,
            coalesce(committees.engaged_deciders, 0) >= {{ setting("gate_min_engaged_deciders") }} as gate_passed,
            ranges.lo_change,
            ranges.hi_change,
            cast(coalesce(ranges.known_weight / nullif(ranges.total_weight, 0), 1) as decimal(5, 4)) as confidence
        from accounts
        inner join ranges on accounts.account_id = ranges.account_id
        left join sums on accounts.account_id = sums.account_id
        left join committees on accounts.account_id = committees.account_id
    ),

    final as (
        select
            scored.account_id,
            scored.fit_score,
            scored.engagement_score,
            cast(scored.fit_score + scored.engagement_score as decimal(18, 6)) as score,
            case
                when exclusions.account_id is not null
                then worst_grade.grade
                when scored.gate_passed
                then matrix.grade
                else matrix.grade_if_gate_fails
            end as grade,
            fit_bands.band as fit_band,
            engagement_bands.band as engagement_band,
            cast(scored.fit_score + scored.engagement_score + scored.lo_change as decimal(18, 6)) as score_lo,
            cast(scored.fit_score + scored.engagement_score + scored.hi_change as decimal(18, 6)) as score_hi,
            scored.confidence,
            scored.engaged_contacts,
            scored.engaged_contacts_in_window,
            scored.engaged_deciders,
            scored.buying_group_score,
            scored.committee,
            scored.missing_roles,
            scored.committee_completeness,
            scored.gate_passed,
            case
                when scored.gate_passed
                then 'Engaged in a decision role: ' || cast(scored.engaged_deciders as {{ dbt.type_string() }})
                when scored.engaged_contacts = 0
                then 'Nobody at the account is engaged'
                else 'Nobody engaged has a decision role'
            end as gate_reason,
            case
                when scored.gate_passed
                then 'Engajados em papel de decisão: ' || cast(scored.engaged_deciders as {{ dbt.type_string() }})
                when scored.engaged_contacts = 0
                then 'Ninguém da conta está engajado'
                else 'Nenhum engajado tem papel de decisão'
            end as gate_reason_pt,
            exclusions.reason_code as exclusion_reason,
            reasons.reason_1,
            reasons.reason_2,
            reasons.reason_3,
            reasons.reason_1_pt,
            reasons.reason_2_pt,
            reasons.reason_3_pt,
            {{ as_of() }} as as_of_at,
            versions.ruleset_version,
            versions.code_version
        from scored
        inner join bands as fit_bands on fit_bands.dimension = 'fit' and {{ in_band("scored.fit_score", "fit_bands") }}
        inner join
            bands as engagement_bands
            on engagement_bands.dimension = 'engagement'
            and {{ in_band("scored.engagement_score", "engagement_bands") }}
        inner join matrix on fit_bands.band = matrix.fit_band and engagement_bands.band = matrix.engagement_band
        left join reasons on scored.account_id = reasons.account_id
        left join exclusions on scored.account_id = exclusions.account_id
        cross join worst_grade
        cross join versions
    )

select *
from final
