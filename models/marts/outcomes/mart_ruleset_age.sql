-- Which rules were in force since when (R80), and how the ones of today stand: when people last looked at them, and
-- whether those they judge have become others (mart_score_health).
with
    changes as (select * from {{ ref("int_ruleset_changes") }} where observed_at <= {{ as_of() }}),

    reviews as (select * from {{ ref("rule_reviews") }} where reviewed_on <= cast({{ as_of() }} as date)),

    health as (select * from {{ ref("mart_score_health") }}),

    spells as (
        select
            *,
            lead(observed_at) over (order by change_number) as until_at,
            row_number() over (order by change_number desc) = 1 as is_current
        from changes
    ),

    last_review as (select max(reviewed_on) as reviewed_on, count(*) as reviews from reviews),

    review_age as (select status from health where check_name = 'review_age'),

    -- The worst of what could be measured.
    drift as (
        select
            max(value) as psi,
            max(case status when 'ok' then 1 when 'watch' then 2 when 'alert' then 3 else 0 end) as severity
        from health
        where check_name = 'drift'
    ),

    final as (
        select
            spells.change_number,
            spells.ruleset_version,
            spells.code_version,
            spells.change_kind,
            spells.observed_at as since_at,
            spells.until_at,
            cast(
                {{ days_between("spells.observed_at", "coalesce(spells.until_at, " ~ as_of() ~ ")") }} as decimal(18, 4)
            ) as days_in_force,
            spells.is_current,
            cast(case when spells.is_current then last_review.reviews end as bigint) as reviews,
            case when spells.is_current then last_review.reviewed_on end as last_reviewed_on,
            cast(
                case when spells.is_current then {{ days_between("last_review.reviewed_on", as_of()) }} end as decimal(
                    18, 4
                )
            ) as days_since_review,
            case when spells.is_current then review_age.status end as review_status,
            -- Rules first seen by the first build may have been in force long before it.
            case
                when spells.is_current and spells.change_kind != 'first'
                then spells.observed_at > last_review.reviewed_on or last_review.reviewed_on is null
            end as is_changed_since_review,
            cast(case when spells.is_current then drift.psi end as decimal(18, 4)) as worst_drift_psi,
            case
                when spells.is_current
                then case drift.severity when 3 then 'alert' when 2 then 'watch' when 1 then 'ok' else 'not_enough' end
            end as drift_status
        from spells
        cross join last_review
        cross join review_age
        cross join drift
    )

select *
from final
