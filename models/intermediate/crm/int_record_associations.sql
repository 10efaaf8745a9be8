{{ config(materialized="table") }}

-- Each CRM association once in both directions. 1/2 and 5/6 are HubSpot's own type ids of "primary company" of a
-- contact
-- and of a deal.
with
    associations as (select * from {{ ref("int_crm_associations") }} where to_id is not null),

    typed as (
        select
            source,
            from_object,
            from_id,
            to_object,
            to_id,
            lower(coalesce(label, '')) = 'primary'
            or (coalesce(category, 'HUBSPOT_DEFINED') = 'HUBSPOT_DEFINED' and type_id in (1, 2, 5, 6)) as is_primary
        from associations
    ),

    both_ways as (
        select source, from_object, from_id, to_object, to_id, is_primary
        from typed
        union all
        select
            source, to_object as from_object, to_id as from_id, from_object as to_object, from_id as to_id, is_primary
        from typed
    ),

    final as (
        select
            source,
            from_object,
            from_id,
            to_object,
            to_id,
            max(case when is_primary then 1 else 0 end) = 1 as is_primary
        from both_ways
        group by source, from_object, from_id, to_object, to_id
    )

select *
from final
