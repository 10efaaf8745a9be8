-- Into which bands people fall, recently and in the window before: of people by the day they were captured, of
-- hand-overs by
-- their own day, with the score of that day. Engagement of captured people is left out: it fades, so that older ones
-- always
-- have less of it.
with
    contacts as (select contact_id, created_at from {{ ref("dim_contacts") }} where created_at is not null),

    sums as (select contact_id, fit_score from {{ ref("int_contact_score_sums") }}),

    handover_scores as (select * from {{ ref("int_handover_scores") }}),

    bands as (select * from {{ ref("score_bands") }} where entity = 'contact'),

    scores as (
        select 'captured' as population, 'fit' as dimension, contacts.created_at as scored_at, sums.fit_score as score
        from contacts
        inner join sums on contacts.contact_id = sums.contact_id

        union all

        select 'handed_over' as population, 'fit' as dimension, mql_at as scored_at, fit_score as score
        from handover_scores

        union all

        select 'handed_over' as population, 'engagement' as dimension, mql_at as scored_at, engagement_score as score
        from handover_scores
    ),

    aged as (select population, dimension, score, {{ days_between("scored_at", as_of()) }} as age_days from scores),

    windowed as (
        select
            population,
            dimension,
            score,
            case when age_days < {{ setting("drift_recent_days", "outcome_settings") }} then 1 else 0 end as is_recent
        from aged
        where
            age_days >= 0
            and age_days
            < {{ setting("drift_recent_days", "outcome_settings") }}
            + {{ setting("drift_reference_days", "outcome_settings") }}
    ),

    counted as (
        select
            windowed.population,
            windowed.dimension,
            bands.band,
            sum(windowed.is_recent) as recent_n,
            sum(1 - windowed.is_recent) as reference_n
        from windowed
        inner join bands on windowed.dimension = bands.dimension and {{ in_band("windowed.score", "bands") }}
        group by windowed.population, windowed.dimension, bands.band
    ),

    populations as (
        select 'captured' as population, 'fit' as dimension
        union all
        select 'handed_over' as population, 'fit' as dimension
        union all
        select 'handed_over' as population, 'engagement' as dimension
    ),

    -- Every band has a row, also the empty ones.
    final as (
        select
            populations.population,
            populations.dimension,
            bands.band,
            cast(coalesce(counted.recent_n, 0) as bigint) as recent_n,
            cast(coalesce(counted.reference_n, 0) as bigint) as reference_n
        from populations
        inner join bands on populations.dimension = bands.dimension
        left join
            counted
            on populations.population = counted.population
            and populations.dimension = counted.dimension
            and bands.band = counted.band
    )

select *
from final
