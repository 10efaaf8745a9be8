{#
    A query with one row per event and signal that it counts for: contact_id, signal_id, event_at, day_on, event_points,
    half_life_days.

    Events meet signals by equality only (type, field of the detail, its value), so that an engine can hash-join millions of
    them: each event is looked up once for every field that signals of its type ask for.

    inputs: relation or CTE with the columns of int_engagement_inputs.
#}
{% macro match_signals(inputs) -%}
    with
        signals as (
            select *, coalesce(detail_field, '') as asked_field, coalesce(lower(detail_values), '') as asked_values
            from {{ ref("engagement_signals") }}
        ),

        signal_values as (
            select signal_id, touch_type, asked_field, '' as asked_value
            from signals
            where asked_field = ''
            union distinct
            select signal_id, touch_type, asked_field, part as asked_value
            from {{ split_rows("signals", "asked_values", "|") }} as parts
            where asked_field != ''
        ),

        signal_keys as (
            select
                signal_values.touch_type,
                signal_values.asked_field,
                signal_values.asked_value,
                signals.signal_id,
                signals.measure,
                signals.max_measure,
                signals.points,
                signals.half_life_days,
                signals.counts_machine
            from signal_values
            inner join signals on signal_values.signal_id = signals.signal_id
        ),

        asked_fields as (select distinct touch_type, asked_field from signal_keys),

        keyed as (
            select
                inputs.contact_id,
                inputs.event_at,
                inputs.day_on,
                inputs.touch_type,
                inputs.is_machine,
                inputs.dwell_seconds,
                asked_fields.asked_field,
                case
                    asked_fields.asked_field
                    when ''
                    then ''
                    when 'signal_detail'
                    then inputs.signal_detail
                    when 'channel'
                    then inputs.channel
                    when 'campaign'
                    then inputs.campaign
                    when 'direction'
                    then inputs.direction
                end as asked_value
            from {{ inputs }} as inputs
            inner join asked_fields on inputs.touch_type = asked_fields.touch_type
        ),

        matched as (
            select
                keyed.contact_id,
                signal_keys.signal_id,
                keyed.event_at,
                keyed.day_on,
                case
                    signal_keys.measure
                    when 'dwell_minute'
                    then
                        cast(
                            least(
                                coalesce(keyed.dwell_seconds, 0) / cast(60 as double), signal_keys.max_measure
                            ) as decimal(18, 6)
                        )
                    else cast(1 as decimal(18, 6))
                end as units,
                signal_keys.points,
                signal_keys.half_life_days
            from keyed
            inner join
                signal_keys
                on keyed.touch_type = signal_keys.touch_type
                and keyed.asked_field = signal_keys.asked_field
                and keyed.asked_value = signal_keys.asked_value
            where signal_keys.counts_machine or not keyed.is_machine
        )

    select
        contact_id, signal_id, event_at, day_on, cast(points * units as decimal(18, 6)) as event_points, half_life_days
    from matched
    where units > 0
{%- endmacro %}
