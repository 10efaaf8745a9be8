{#
    One bound of the Wilson score interval for a share, 0 to 1; null where nothing was counted. It holds the true share in 95
    of 100 cases also for few observations and for shares near 0 or 1 (Wilson 1927). With p = successes / trials:
    centre = (p + z^2 / 2n) / (1 + z^2 / n), half width = z / (1 + z^2 / n) * sqrt(p (1 - p) / n + z^2 / 4n^2).
    42 of 60 give 0.700 [0.575, 0.801].

    successes, trials: SQL expressions, whole numbers.
    bound: lo or hi.
    z: standard deviations either way; 1.959964 = 95 %.
#}
{% macro wilson_interval(successes, trials, bound, z=1.959964) -%}
    {%- if bound not in ("lo", "hi") -%}
        {{ exceptions.raise_compiler_error("wilson_interval: bound is 'lo' or 'hi', not '" ~ bound ~ "'") }}
    {%- endif -%}
    {%- set n = "nullif(cast(" ~ trials ~ " as double), 0)" -%}
    {%- set p = "(cast(" ~ successes ~ " as double) / " ~ n ~ ")" -%}
    {%- set edge, limit, sign = ("greatest", 0, "-") if bound == "lo" else ("least", 1, "+") -%}
    -- greatest and least pass over a null.
    case
        when {{ n }} is not null
        then
            {{ edge }} (
                {{ limit }},
                (
                    {{ p }} + {{ z * z }} / (2 * {{ n }})
                    {{ sign }} {{ z }} * sqrt({{ p }} * (1 - {{ p }}) / {{ n }} + {{ z * z }} / (4 * {{ n }} * {{ n }}))
                )
                / (1 + {{ z * z }} / {{ n }})
            )
    end
{%- endmacro %}
