-- Calls to people whom marketing had not handed over when they were called (R78): still inquiries, out, or no lead at
-- all.
with
    calls as (
        select *
        from {{ ref("int_activity_stages") }}
        where activity_type = 'call' and direction = 'outbound' and is_attempt
    ),

    stages as (select * from {{ ref("lifecycle_stages") }}),

    judged as (
        select
            coalesce(calls.owner_id, 'unknown') as owner_id,
            cast({{ dbt.date_trunc("month", "calls.activity_at") }} as date) as month_on,
            cast(calls.minutes as decimal(18, 4)) as minutes,
            case when stages.kind is null or stages.kind in ('start', 'out') then 1 else 0 end as is_early
        from calls
        left join stages on calls.stage = stages.stage
    ),

    final as (
        select
            owner_id,
            month_on,
            cast(count(*) as bigint) as calls,
            cast(sum(is_early) as bigint) as calls_below_line,
            cast(sum(is_early) / cast(count(*) as double) as decimal(9, 6)) as below_line_share,
            cast(sum(minutes) as decimal(18, 2)) as minutes,
            cast(sum(case when is_early = 1 then minutes else 0 end) as decimal(18, 2)) as minutes_below_line
        from judged
        group by owner_id, month_on
    )

select *
from final
