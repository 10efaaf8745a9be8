{{ config(materialized="view") }}

-- One row per event and signal it counts for. A view: the daily buckets, the day of as-of and the fingerprint of a day
-- all read it, each restricted to the days (or the contact) it needs.
with
    touches as (select * from {{ ref("fct_touches") }}),
    page_views as (select * from {{ ref("int_page_views") }}),
    signals as (select * from {{ ref("engagement_signals") }}),

    events as (
        select
            contact_id,
            touch_at as event_at,
            touch_type,
            signal_detail,
            channel,
            campaign,
            case when is_inbound then 'inbound' else 'outbound' end as direction,
            is_machine,
            dwell_seconds
        from touches
        where contact_id is not null

        union all

        select
            contact_id,
            event_at,
            'page_view' as touch_type,
            page_kind as signal_detail,
            cast(null as {{ dbt.type_string() }}) as channel,
            cast(null as {{ dbt.type_string() }}) as campaign,
            'inbound' as direction,
            false as is_machine,
            dwell_seconds
        from page_views
        where contact_id is not null
    ),

    matched as (
        select
            events.contact_id,
            signals.signal_id,
            events.event_at,
            cast(events.event_at as date) as day_on,
            case
                signals.measure
                when 'dwell_minute'
                then
                    cast(
                        least(coalesce(events.dwell_seconds, 0) / cast(60 as double), signals.max_measure) as decimal(
                            18, 6
                        )
                    )
                else cast(1 as decimal(18, 6))
            end as units,
            signals.points,
            signals.half_life_days
        from events
        inner join signals on events.touch_type = signals.touch_type
        where
            (signals.counts_machine or not coalesce(events.is_machine, false))
            and (
                signals.detail_field is null
                or {{
                    in_list(
                        "case signals.detail_field when 'signal_detail' then events.signal_detail"
                        ~ " when 'channel' then events.channel when 'campaign' then events.campaign"
                        ~ " when 'direction' then events.direction end",
                        "signals.detail_values",
                    )
                }}
            )
    ),

    final as (
        select
            contact_id,
            signal_id,
            event_at,
            day_on,
            cast(points * units as decimal(18, 6)) as event_points,
            half_life_days
        from matched
        where units > 0
    )

select *
from final
