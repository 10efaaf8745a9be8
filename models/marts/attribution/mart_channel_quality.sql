-- A lead came by the last attributable touch up to its capture; who was only imported or met in person has none.
with
    transitions as (select * from {{ ref("fct_stage_transitions") }} where transition_at <= {{ as_of() }}),
    touches as (select * from {{ ref("int_touch_runs") }}),

    leads as (
        select contact_id, min(transition_at) as captured_at
        from transitions
        where from_stage is null
        group by contact_id
    ),

    stages as (
        select
            contact_id,
            max(case when to_stage = 'mql' then 1 else 0 end) as mql,
            max(case when to_stage = 'sal' then 1 else 0 end) as sal,
            max(case when to_stage = 'sql' then 1 else 0 end) as sql,
            max(case when to_stage = 'customer' then 1 else 0 end) as customer
        from transitions
        group by contact_id
    ),

    touches_before as (
        select
            leads.contact_id,
            touches.channel,
            touches.campaign,
            row_number() over (
                partition by leads.contact_id order by touches.touch_at desc, touches.touch_id desc
            ) as touches_left
        from leads
        inner join touches on leads.contact_id = touches.contact_id and leads.captured_at >= touches.touch_at
    ),

    brought as (
        select
            cast({{ dbt.date_trunc("month", "leads.captured_at") }} as date) as month_on,
            coalesce(touches_before.channel, 'unattributed') as channel,
            coalesce(touches_before.campaign, '(none)') as campaign,
            stages.mql,
            stages.sal,
            stages.sql,
            stages.customer
        from leads
        inner join stages on leads.contact_id = stages.contact_id
        left join touches_before on leads.contact_id = touches_before.contact_id and touches_before.touches_left = 1
    ),

    final as (
        select
            month_on,
            channel,
            campaign,
            cast(count(*) as bigint) as leads,
            {% for stage in ["mql", "sal", "sql", "customer"] %}
                cast(sum({{ stage }}) as bigint) as {{ stage }}s,
            {% endfor %}
            {% for stage in ["mql", "sal", "sql", "customer"] %}
                cast(100.0 * sum({{ stage }}) / count(*) as decimal(5, 2)) as {{ stage }}_pct
                {% if not loop.last %},{% endif %}
            {% endfor %}
        from brought
        group by month_on, channel, campaign
    )

select *
from final
