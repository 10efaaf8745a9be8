-- How scores spread now: a wall of people at one value says that rules do not tell them apart.
with
    contact_scores as (select * from {{ ref("fct_contact_scores") }}),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    scores as (
        {% for entity in ["contact", "account"] %}
            {% for dimension in ["fit", "engagement", "total"] %}
                select
                    '{{ entity }}' as entity,
                    '{{ dimension }}' as dimension,
                    {{ "score" if dimension == "total" else dimension ~ "_score" }} as points,
                    case when exclusion_reason is null then 0 else 1 end as is_excluded
                from {{ entity }}_scores
                {% if not loop.last %}
                    union all
                {% endif %}
            {% endfor %}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    placed as (
        select
            entity,
            dimension,
            is_excluded,
            floor(points / {{ setting("score_bucket_points", "reporting_settings") }})
            * {{ setting("score_bucket_points", "reporting_settings") }} as points_from
        from scores
    ),

    counted as (
        select
            entity,
            dimension,
            cast(points_from as decimal(18, 4)) as points_from,
            count(*) as entities,
            sum(is_excluded) as excluded
        from placed
        group by entity, dimension, cast(points_from as decimal(18, 4))
    ),

    final as (
        select
            entity,
            dimension,
            points_from,
            cast(
                points_from + {{ setting("score_bucket_points", "reporting_settings") }} as decimal(18, 4)
            ) as points_to,
            cast(entities as bigint) as entities,
            cast(excluded as bigint) as excluded,
            cast(
                100 * entities / cast(sum(entities) over (partition by entity, dimension) as double) as decimal(6, 3)
            ) as share_pct
        from counted
    )

select *
from final
