with
    transitions as (select * from {{ ref("fct_stage_transitions") }}),

    numbered as (
        select *, row_number() over (partition by contact_id order by transition_number desc) as recency
        from transitions
    ),

    final as (
        select
            contact_id,
            account_id,
            to_stage as stage,
            transition_at as stage_since,
            reason as stage_reason,
            evidence as stage_evidence
        from numbered
        where recency = 1
    )

select *
from final
