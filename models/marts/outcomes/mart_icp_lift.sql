with
    profiles as (select * from {{ ref("int_profiles") }}),

    attributes as (select * from {{ ref("profile_attributes") }} where in_icp),

    outcomes as (select * from {{ ref("int_deal_outcomes") }}),

    counted as (
        select
            profiles.entity,
            profiles.attribute,
            profiles.value,
            count(*) as entities,
            sum(case when outcomes.is_won then 1 else 0 end) as won,
            count(outcomes.entity_id) as decided
        from profiles
        inner join attributes on profiles.entity = attributes.entity and profiles.attribute = attributes.attribute
        left join outcomes on profiles.entity = outcomes.entity and profiles.entity_id = outcomes.entity_id
        group by profiles.entity, profiles.attribute, profiles.value
    ),

    -- The base of an attribute is everybody of whom it is known: ignorance is no value.
    totals as (
        select entity, attribute, sum(entities) as base_entities, sum(won) as base_won, sum(decided) as base_decided
        from counted
        group by entity, attribute
    ),

    compared as (
        select
            counted.entity,
            counted.attribute,
            counted.value,
            counted.entities,
            totals.base_entities,
            counted.won,
            totals.base_won,
            counted.decided,
            totals.base_won - counted.won as other_won,
            totals.base_decided - counted.decided as other_decided,
            cast(counted.won as double)
            * totals.base_entities
            / nullif(cast(totals.base_won as double) * counted.entities, 0) as lift,
            {{ lift_interval("counted.won", "totals.base_won", "counted.entities", "totals.base_entities", "lo") }}
            as lift_lo,
            {{ lift_interval("counted.won", "totals.base_won", "counted.entities", "totals.base_entities", "hi") }}
            as lift_hi
        from counted
        inner join totals on counted.entity = totals.entity and counted.attribute = totals.attribute
    ),

    judged as (
        select
            compared.*,
            entities >= {{ setting("lift_min_n", "outcome_settings") }}
            and cast(entities as double) * base_won / base_entities
            >= {{ setting("lift_min_expected", "outcome_settings") }} as is_enough
        from compared
    ),

    final as (
        select
            {{ hash_key(["entity", "attribute", "value"]) }} as icp_lift_id,
            entity,
            attribute,
            value,
            cast(entities as bigint) as entities,
            cast(base_entities as bigint) as base_entities,
            cast(100.0 * entities / base_entities as decimal(7, 3)) as base_share_pct,
            cast(won as bigint) as won,
            cast(base_won as bigint) as base_won,
            cast(100.0 * won / nullif(base_won, 0) as decimal(7, 3)) as won_share_pct,
            cast(lift as decimal(12, 4)) as lift,
            cast(lift_lo as decimal(12, 4)) as lift_lo,
            cast(lift_hi as decimal(12, 4)) as lift_hi,
            is_enough,
            -- By the lower bound: what is certain comes before what is large.
            cast(
                row_number() over (
                    partition by entity
                    order by
                        case when is_enough then 0 else 1 end,
                        cast(coalesce(lift_lo, -1) as decimal(12, 4)) desc,
                        attribute,
                        value
                ) as bigint
            ) as lift_rank,
            cast(decided as bigint) as decided,
            cast(100.0 * won / nullif(decided, 0) as decimal(7, 3)) as win_rate_pct,
            cast(100 * {{ wilson_interval("won", "decided", "lo") }} as decimal(7, 3)) as win_rate_lo_pct,
            cast(100 * {{ wilson_interval("won", "decided", "hi") }} as decimal(7, 3)) as win_rate_hi_pct,
            cast(
                cast(won as double)
                / nullif(decided, 0)
                / nullif(cast(other_won as double) / nullif(other_decided, 0), 0) as decimal(12, 4)
            ) as win_rate_ratio,
            cast(
                {{ rate_ratio_interval("won", "decided", "other_won", "other_decided", "lo") }} as decimal(12, 4)
            ) as win_rate_ratio_lo,
            cast(
                {{ rate_ratio_interval("won", "decided", "other_won", "other_decided", "hi") }} as decimal(12, 4)
            ) as win_rate_ratio_hi,
            decided >= {{ setting("win_min_decided", "outcome_settings") }}
            and other_decided >= {{ setting("win_min_decided", "outcome_settings") }} as is_win_rate_enough,
            {{ as_of() }} as as_of_at
        from judged
    )

select *
from final
