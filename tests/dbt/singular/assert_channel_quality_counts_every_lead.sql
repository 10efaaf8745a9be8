-- Every captured person stands in one line, and no stage has more people than entered it.
with
    entered as (
        select
            count(distinct case when from_stage is null then contact_id end) as leads,
            count(distinct case when to_stage = 'mql' then contact_id end) as mqls,
            count(distinct case when to_stage = 'sal' then contact_id end) as sals,
            count(distinct case when to_stage = 'sql' then contact_id end) as sqls,
            count(distinct case when to_stage = 'customer' then contact_id end) as customers
        from {{ ref("fct_stage_transitions") }}
        where transition_at <= {{ as_of() }}
    ),

    counted as (
        select
            coalesce(sum(leads), 0) as leads,
            coalesce(sum(mqls), 0) as mqls,
            coalesce(sum(sals), 0) as sals,
            coalesce(sum(sqls), 0) as sqls,
            coalesce(sum(customers), 0) as customers
        from {{ ref("mart_channel_quality") }}
    )

select entered.*, counted.leads as counted_leads, counted.mqls as counted_mqls
from entered
cross join counted
where
    entered.leads != counted.leads
    or entered.mqls != counted.mqls
    or entered.sals != counted.sals
    or entered.sqls != counted.sqls
    or entered.customers != counted.customers
