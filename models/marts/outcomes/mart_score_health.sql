-- Rules age in two ways (R80): nobody looks at them any more, or the people they judge become other people.
with
    reviews as (select * from {{ ref("rule_reviews") }}),

    distributions as (select * from {{ ref("int_score_distributions") }}),

    review_age as (
        select {{ days_between("max(reviewed_on)", as_of()) }} as days, max(reviewed_on) as reviewed_on
        from reviews
        where reviewed_on <= cast({{ as_of() }} as date)
    ),

    totals as (
        select population, dimension, sum(recent_n) as recent_n, sum(reference_n) as reference_n
        from distributions
        group by population, dimension
    ),

    shares as (
        select
            distributions.population,
            distributions.dimension,
            greatest(
                cast(distributions.recent_n as double) / nullif(totals.recent_n, 0),
                cast({{ setting("drift_empty_share", "outcome_settings") }} as double)
            ) as recent_share,
            greatest(
                cast(distributions.reference_n as double) / nullif(totals.reference_n, 0),
                cast({{ setting("drift_empty_share", "outcome_settings") }} as double)
            ) as reference_share
        from distributions
        inner join totals on distributions.population = totals.population and distributions.dimension = totals.dimension
    ),

    indices as (
        select
            population,
            dimension,
            sum(cast((recent_share - reference_share) * ln(recent_share / reference_share) as decimal(18, 9))) as psi
        from shares
        group by population, dimension
    ),

    checks as (
        select
            'review_age' as check_name,
            'rules' as population,
            'all' as dimension,
            cast(days as decimal(18, 4)) as value,
            cast(null as decimal(18, 4)) as watch_from,
            {{ setting("review_every_days", "outcome_settings") }} as alert_from,
            cast(null as bigint) as recent_n,
            cast(null as bigint) as reference_n,
            true as is_enough,
            -- Rules that nobody ever reviewed are no younger than those reviewed long ago.
            days is null as is_overdue
        from review_age

        union all

        select
            'drift' as check_name,
            totals.population,
            totals.dimension,
            cast(indices.psi as decimal(18, 4)) as value,
            {{ setting("drift_watch_psi", "outcome_settings") }} as watch_from,
            {{ setting("drift_alert_psi", "outcome_settings") }} as alert_from,
            cast(totals.recent_n as bigint) as recent_n,
            cast(totals.reference_n as bigint) as reference_n,
            least(totals.recent_n, totals.reference_n) >= {{ setting("drift_min_n", "outcome_settings") }} as is_enough,
            false as is_overdue
        from totals
        inner join indices on totals.population = indices.population and totals.dimension = indices.dimension
    ),

    judged as (
        select
            checks.*,
            case
                when not is_enough
                then 'not_enough'
                when is_overdue or value >= alert_from
                then 'alert'
                when value >= watch_from
                then 'watch'
                else 'ok'
            end as status
        from checks
    ),

    final as (
        select
            {{ hash_key(["check_name", "population", "dimension"]) }} as score_health_id,
            check_name,
            population,
            dimension,
            cast(case when is_enough then value end as decimal(18, 4)) as value,
            cast(watch_from as decimal(18, 4)) as watch_from,
            cast(alert_from as decimal(18, 4)) as alert_from,
            recent_n,
            reference_n,
            status,
            status = 'alert' as is_alert,
            case
                when check_name = 'review_age'
                then 'Days since people last reviewed the rules (rule_reviews.csv)'
                when population = 'captured'
                then 'Drift of the fit of captured people: recent window against the one before (PSI)'
                else 'Drift of the ' || dimension || ' of hand-overs: recent window against the one before (PSI)'
            end as description,
            {{ as_of() }} as as_of_at
        from judged
    )

select *
from final
