{#
    Grain: conversion kind, from_state, to_state. How often journeys went from one channel to the next, from `(start)` and to
    `(conversion)` or `(null)`: all that the effects of channels are measured on. Null journeys are those of contacts (of
    accounts, for kinds at account level) with touches but without the conversion in the look-back before as-of; a stage is
    entered once, so that who entered it earlier is in no journey towards it.
#}
with
    conversions as (select * from {{ ref("int_conversions") }}),
    conversion_people as (select * from {{ ref("int_conversion_people") }}),
    journeys as (select * from {{ ref("int_journey_touches") }} where not skips_direct),
    touches as (select * from {{ ref("int_touch_runs") }} where is_run_start),
    kinds as (select * from {{ ref("attribution_conversions") }}),

    converting_steps as (
        select
            conversions.conversion_kind,
            journeys.channel,
            lag(journeys.channel) over (
                partition by journeys.conversion_id order by journeys.touch_number
            ) as previous_channel,
            journeys.is_last_touch
        from journeys
        inner join conversions on journeys.conversion_id = conversions.conversion_id
    ),

    -- Kinds that look equally far back at the same level share their journeys.
    spans as (
        select
            journey_level,
            lookback_days,
            {{ dbt.dateadd("day", "-lookback_days", as_of()) }} as from_at,
            {{ as_of() }} as until_at
        from (select distinct journey_level, lookback_days from kinds) as looked_back
    ),

    subject_touches as (
        select
            spans.journey_level,
            spans.lookback_days,
            case
                when spans.journey_level = 'account'
                then coalesce(touches.account_id, touches.contact_id)
                else touches.contact_id
            end as subject_id,
            touches.touch_id,
            touches.touch_at,
            touches.channel
        from touches
        inner join spans on touches.touch_at >= spans.from_at and touches.touch_at <= spans.until_at
    ),

    subject_steps as (
        select
            journey_level,
            lookback_days,
            subject_id,
            channel,
            lag(channel) over (
                partition by journey_level, lookback_days, subject_id order by touch_at, touch_id
            ) as previous_channel,
            lead(channel) over (partition by journey_level, lookback_days, subject_id order by touch_at, touch_id)
            is null as is_last_touch
        from subject_touches
    ),

    subject_moves as (
        select journey_level, lookback_days, subject_id, channel, previous_channel, is_last_touch, count(*) as moves
        from subject_steps
        group by journey_level, lookback_days, subject_id, channel, previous_channel, is_last_touch
    ),

    converted as (
        select
            conversions.conversion_kind,
            conversions.opportunity_id is null as is_stage,
            conversions.conversion_at,
            case
                when conversions.journey_level = 'account' then conversions.account_id else conversion_people.contact_id
            end as subject_id
        from conversions
        left join conversion_people on conversions.conversion_id = conversion_people.conversion_id
    ),

    barred as (
        select distinct kinds.conversion_kind, converted.subject_id
        from kinds
        inner join spans on kinds.journey_level = spans.journey_level and kinds.lookback_days = spans.lookback_days
        inner join
            converted
            on kinds.conversion_kind = converted.conversion_kind
            and (converted.is_stage or converted.conversion_at >= spans.from_at)
    ),

    null_steps as (
        select
            kinds.conversion_kind,
            subject_moves.channel,
            subject_moves.previous_channel,
            subject_moves.is_last_touch,
            subject_moves.moves
        from subject_moves
        inner join
            kinds
            on subject_moves.journey_level = kinds.journey_level
            and subject_moves.lookback_days = kinds.lookback_days
        left join
            barred on kinds.conversion_kind = barred.conversion_kind and subject_moves.subject_id = barred.subject_id
        where barred.subject_id is null
    ),

    steps as (
        select conversion_kind, previous_channel, channel, is_last_touch, '(conversion)' as end_state, 1 as moves
        from converting_steps
        union all
        select conversion_kind, previous_channel, channel, is_last_touch, '(null)' as end_state, moves
        from null_steps
    ),

    moves as (
        select conversion_kind, coalesce(previous_channel, '(start)') as from_state, channel as to_state, moves
        from steps
        union all
        select conversion_kind, channel as from_state, end_state as to_state, moves
        from steps
        where is_last_touch
    ),

    final as (
        select conversion_kind, from_state, to_state, cast(sum(moves) as bigint) as moves
        from moves
        group by conversion_kind, from_state, to_state
    )

select *
from final
