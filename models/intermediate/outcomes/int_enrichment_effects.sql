-- The grade of companies with an answer of a provider, and of their people, with it and without it. All else is as it
-- is:
-- engagement, the gate. Who is excluded keeps the grade of the excluded either way.
with
    account_scores as (select * from {{ ref("fct_account_scores") }}),

    contact_scores as (select * from {{ ref("fct_contact_scores") }} where account_id is not null),

    facts as (
        select account_id from {{ ref("int_account_attributes") }} where is_surviving and value_source = 'enriched'
    ),

    lines as (select * from {{ ref("int_account_fit_lines") }}),

    lines_without as (select * from {{ ref("int_account_fit_lines_without_enrichment") }}),

    bands as (select * from {{ ref("score_bands") }} where dimension = 'fit'),

    matrix as (select * from {{ ref("grade_matrix") }}),

    grades as (select * from {{ ref("grades") }}),

    enriched_accounts as (select distinct account_id from facts),

    points as (select account_id, sum(cast(points as decimal(18, 6))) as points from lines group by account_id),

    points_without as (
        select account_id, sum(cast(points as decimal(18, 6))) as points from lines_without group by account_id
    ),

    gains as (
        select enriched_accounts.account_id, coalesce(points.points, 0) - coalesce(points_without.points, 0) as fit_gain
        from enriched_accounts
        left join points on enriched_accounts.account_id = points.account_id
        left join points_without on enriched_accounts.account_id = points_without.account_id
    ),

    entities as (
        select
            'account' as entity,
            account_id as entity_id,
            account_id,
            fit_score,
            engagement_band,
            gate_passed,
            grade,
            exclusion_reason
        from account_scores

        union all

        select
            'contact' as entity,
            contact_id as entity_id,
            account_id,
            fit_score,
            engagement_band,
            true as gate_passed,
            grade,
            exclusion_reason
        from contact_scores
    ),

    tried as (
        select
            entities.entity,
            entities.entity_id,
            entities.account_id,
            entities.fit_score,
            entities.fit_score - gains.fit_gain as fit_score_without,
            entities.engagement_band,
            entities.gate_passed,
            entities.exclusion_reason,
            entities.grade
        from entities
        inner join gains on entities.account_id = gains.account_id
    ),

    regraded as (
        select
            tried.*,
            case
                when tried.exclusion_reason is not null
                then tried.grade
                when tried.gate_passed
                then matrix.grade
                else matrix.grade_if_gate_fails
            end as grade_without
        from tried
        inner join bands on tried.entity = bands.entity and {{ in_band("tried.fit_score_without", "bands") }}
        inner join
            matrix
            on tried.entity = matrix.entity
            and bands.band = matrix.fit_band
            and tried.engagement_band = matrix.engagement_band
    ),

    final as (
        select
            regraded.entity,
            regraded.entity_id,
            regraded.account_id,
            regraded.fit_score,
            regraded.fit_score_without,
            regraded.grade,
            regraded.grade_without,
            grades_without.grade_order - current_grades.grade_order as steps_up
        from regraded
        inner join grades as current_grades on regraded.grade = current_grades.grade
        inner join grades as grades_without on regraded.grade_without = grades_without.grade
    )

select *
from final
