-- Naive on purpose: the logarithms of the lifts of what is known add up as if attributes were independent. It orders
-- people by likeness to customers; it is no probability.
with
    profiles as (select * from {{ ref("int_profiles") }}),

    lifts as (select * from {{ ref("mart_icp_lift") }} where is_enough),

    -- A lift whose interval holds 1 says nothing. A value never found among customers counts by its upper bound.
    weights as (
        select
            entity,
            attribute,
            value,
            lift,
            case
                when lift_lo > 1 or (lift_hi < 1 and lift > 0)
                then cast(ln(cast(lift as double)) as decimal(12, 6))
                when lift_hi < 1
                then cast(ln(cast(lift_hi as double)) as decimal(12, 6))
                else cast(0 as decimal(12, 6))
            end as weight
        from lifts
    ),

    attribute_ranges as (
        select
            entity,
            attribute,
            least(min(weight), cast(0 as decimal(12, 6))) as least_weight,
            greatest(max(weight), cast(0 as decimal(12, 6))) as most_weight
        from weights
        group by entity, attribute
    ),

    ranges as (
        select entity, sum(least_weight) as least_weight, sum(most_weight) as most_weight
        from attribute_ranges
        group by entity
    ),

    matched as (
        select
            profiles.entity,
            profiles.entity_id,
            sum(weights.weight) as weight,
            count(*) as attributes_compared,
            max(weights.weight) as best_weight
        from profiles
        inner join
            weights
            on profiles.entity = weights.entity
            and profiles.attribute = weights.attribute
            and profiles.value = weights.value
        group by profiles.entity, profiles.entity_id
    ),

    entities as (
        select 'account' as entity, account_id as entity_id
        from {{ ref("dim_accounts") }}
        union all
        select 'contact' as entity, contact_id as entity_id
        from {{ ref("dim_contacts") }}
    ),

    final as (
        select
            entities.entity,
            entities.entity_id,
            cast(
                100.0
                * (coalesce(matched.weight, 0) - ranges.least_weight)
                / nullif(ranges.most_weight - ranges.least_weight, 0) as decimal(6, 2)
            ) as closeness,
            cast(coalesce(matched.weight, 0) as decimal(12, 6)) as log_lift,
            cast(coalesce(matched.attributes_compared, 0) as bigint) as attributes_compared
        from entities
        left join matched on entities.entity = matched.entity and entities.entity_id = matched.entity_id
        left join ranges on entities.entity = ranges.entity
    )

select *
from final
