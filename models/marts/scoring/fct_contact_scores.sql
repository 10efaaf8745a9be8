with
    sums as (select * from {{ ref("int_contact_score_sums") }}),
    contact_ranges as (select * from {{ ref("int_contact_fit_ranges") }}),
    account_ranges as (select * from {{ ref("int_account_fit_ranges") }}),
    attribute_ranges as (select * from {{ ref("int_fit_attribute_ranges") }} where entity = 'account'),
    bands as (select * from {{ ref("score_bands") }} where entity = 'contact'),
    matrix as (select * from {{ ref("grade_matrix") }} where entity = 'contact'),
    reasons as (select * from {{ ref("int_contact_reasons") }}),
    versions as (select * from {{ ref("int_ruleset_version") }}),
    exclusions as (select * from {{ ref("int_contact_exclusions") }}),
    grades as (select * from {{ ref("grades") }}),
    latest_requests as (select * from {{ ref("fct_contact_requests") }} where is_latest),

    -- Who is excluded is left to nobody, whatever the score.
    worst_grade as (select max(grade) as grade from grades where grade_order = (select max(grade_order) from grades)),

    -- Nothing is known of the company of a contact without one.
    no_account as (
        select
            coalesce(sum(lo_points - absence_points), 0) as lo_change,
            coalesce(sum(hi_points - absence_points), 0) as hi_change,
            coalesce(sum(weight), 0) as total_weight
        from attribute_ranges
    ),

    ranged as (
        select
            sums.contact_id,
            sums.account_id,
            sums.fit_score,
            sums.engagement_score,
            sums.last_evidence_at,
            sums.fit_score + sums.engagement_score as score,
            contact_ranges.lo_change + coalesce(account_ranges.lo_change, least(no_account.lo_change, 0)) as lo_change,
            contact_ranges.hi_change
            + coalesce(account_ranges.hi_change, greatest(no_account.hi_change, 0)) as hi_change,
            contact_ranges.known_weight + coalesce(account_ranges.known_weight, 0) as known_weight,
            contact_ranges.total_weight + no_account.total_weight as total_weight
        from sums
        inner join contact_ranges on sums.contact_id = contact_ranges.contact_id
        left join account_ranges on sums.account_id = account_ranges.account_id
        cross join no_account
    ),

    final as (
        select
            ranged.contact_id,
            ranged.account_id,
            ranged.fit_score,
            ranged.engagement_score,
            cast(ranged.score as decimal(18, 6)) as score,
            case when exclusions.contact_id is null then matrix.grade else worst_grade.grade end as grade,
            fit_bands.band as fit_band,
            engagement_bands.band as engagement_band,
            cast(ranged.score + ranged.lo_change as decimal(18, 6)) as score_lo,
            cast(ranged.score + ranged.hi_change as decimal(18, 6)) as score_hi,
            cast(coalesce(ranged.known_weight / nullif(ranged.total_weight, 0), 1) as decimal(5, 4)) as confidence,
            ranged.engagement_score >= {{ setting("engaged_min_score") }} as is_engaged,
            ranged.last_evidence_at as last_engaged_at,
            latest_requests.request_group,
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
        from ranged
        inner join bands as fit_bands on fit_bands.dimension = 'fit' and {{ in_band("ranged.fit_score", "fit_bands") }}
        inner join
            bands as engagement_bands
            on engagement_bands.dimension = 'engagement'
            and {{ in_band("ranged.engagement_score", "engagement_bands") }}
        inner join matrix on fit_bands.band = matrix.fit_band and engagement_bands.band = matrix.engagement_band
        left join reasons on ranged.contact_id = reasons.contact_id
        left join latest_requests on ranged.contact_id = latest_requests.contact_id
        left join exclusions on ranged.contact_id = exclusions.contact_id
        cross join worst_grade
        cross join versions
    )

select *
from final
