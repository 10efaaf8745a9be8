{#
    A query with the steps by which points of a signal with linear decay fade: w = max(0, 1 - k * percent), k = whole
    intervals since the day of the event. Columns signal_id, days_later, lost_share (of the points at first; the shares of
    a signal add up to 1). A hundred steps are enough: a step is one percent or more.
#}
{% macro linear_decay_steps() -%}
    select
        signals.signal_id,
        cast(signals.decay_interval_days * steps.generated_number as integer) as days_later,
        cast(
            least(signals.decay_percent, 100 - signals.decay_percent * (steps.generated_number - 1))
            / 100.0 as decimal(9, 6)
        ) as lost_share
    from {{ ref("engagement_signals") }} as signals
    cross join ({{ dbt.generate_series(100) }}) as steps
    where signals.decay_interval_days > 0 and signals.decay_percent * (steps.generated_number - 1) < 100
{%- endmacro %}
