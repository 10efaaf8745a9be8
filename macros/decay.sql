{#
    Points that are left after a time, by exponential decay: points * 2^(-age / half-life), exact to nine decimals.
    Each term is a DECIMAL, because sums of doubles are not repeatable.

    points: SQL expression, points at age nought.
    age_days: SQL expression, days since (fractions allowed; negative ages grow, which is how an event is carried back to
        the start of its day).
    half_life_days: SQL expression, days after which half is left; null means that the points never fade.
#}
{% macro decay(points, age_days, half_life_days) -%}
    cast(
        cast({{ points }} as double) * coalesce(
            power(cast(2 as double), - cast({{ age_days }} as double) / nullif({{ half_life_days }}, 0)), 1
        ) as decimal(18, 9)
    )
{%- endmacro %}
