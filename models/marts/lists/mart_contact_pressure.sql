-- How much each person heard from us against what is too much and too little (R77). People who opted out are not here:
-- for them any touch is one too many.
with
    facts as (select * from {{ ref("int_lead_facts") }} where not is_opted_out),

    segments as (select * from {{ ref("int_contact_segments") }}),

    rules as (select * from {{ ref("contact_pressure") }}),

    touches as (select * from {{ ref("int_outbound_touches") }}),

    first_rules as (
        select facts.contact_id, rules.channel, min(rules.priority) as priority
        from facts
        inner join segments on facts.contact_id = segments.contact_id
        inner join
            rules
            on {{
                conditions_hold(
                    "rules",
                    lists={"stages": "facts.stage", "segments": "segments.segment"},
                )
            }}
        group by facts.contact_id, rules.channel
    ),

    limits as (
        select
            first_rules.contact_id,
            first_rules.channel,
            rules.priority,
            rules.window_days,
            rules.min_touches,
            rules.max_touches
        from first_rules
        inner join rules on first_rules.priority = rules.priority
    ),

    -- `all` is every channel together.
    counted as (
        select contact_id, channel, touch_at, is_automated, source_id
        from touches
        union all
        select contact_id, 'all' as channel, touch_at, is_automated, source_id
        from touches
    ),

    in_window as (
        select
            limits.contact_id,
            limits.channel,
            limits.window_days,
            limits.max_touches,
            counted.touch_at,
            counted.is_automated,
            row_number() over (
                partition by limits.contact_id, limits.channel order by counted.touch_at desc, counted.source_id
            ) as recency
        from limits
        inner join counted on limits.contact_id = counted.contact_id and limits.channel = counted.channel
        -- A touch leaves the window at the very moment that it is as old as the window.
        where {{ days_between("counted.touch_at", as_of()) }} < limits.window_days
    ),

    totals as (
        select
            contact_id,
            channel,
            count(*) as touches_in_window,
            sum(case when is_automated then 1 else 0 end) as automatic_touches,
            max(touch_at) as last_touch_at,
            -- When this one leaves the window there is room for one more.
            max(case when recency = max_touches then {{ dbt.dateadd("day", "window_days", "touch_at") }} end) as room_at
        from in_window
        group by contact_id, channel
    ),

    final as (
        select
            {{ hash_key(["limits.contact_id", "limits.channel"]) }} as pressure_id,
            limits.contact_id,
            limits.channel,
            limits.window_days,
            coalesce(totals.touches_in_window, 0) as touches_in_window,
            cast(coalesce(totals.automatic_touches, 0) as bigint) as automatic_touches,
            limits.min_touches,
            limits.max_touches,
            case
                when coalesce(totals.touches_in_window, 0) > limits.max_touches
                then 'over'
                when coalesce(totals.touches_in_window, 0) < limits.min_touches
                then 'under'
                else 'ok'
            end as status,
            totals.last_touch_at,
            case
                when limits.max_touches = 0 then null else coalesce(totals.room_at, {{ as_of() }})
            end as next_allowed_at,
            limits.priority as rule_priority,
            {{ as_of() }} as as_of_at
        from limits
        left join totals on limits.contact_id = totals.contact_id and limits.channel = totals.channel
    )

select *
from final
