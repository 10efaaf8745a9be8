{#
    One bound of the 95 % interval of the ratio of two rates of separate groups, by the log method (Katz 1978): ln(ratio)
    has variance 1/a - 1/n + 1/b - 1/m. Where the first rate is 0, the lower bound is 0 and the upper one Wilson's; null where
    the second is 0. 30 of 50 against 20 of 50: 1.5 [0.998, 2.256].

    successes, trials: SQL expressions, counts of the first group.
    other_successes, other_trials: those of the group it is compared with.
    bound: lo or hi.
    z: standard deviations either way; 1.959964 = 95 %.
#}
{% macro rate_ratio_interval(successes, trials, other_successes, other_trials, bound, z=1.959964) -%}
    {%- if bound not in ("lo", "hi") -%}
        {{ exceptions.raise_compiler_error("rate_ratio_interval: bound is 'lo' or 'hi', not '" ~ bound ~ "'") }}
    {%- endif -%}
    {%- set a, n, b, m = (
        "nullif(cast(" ~ successes ~ " as double), 0)",
        "nullif(cast(" ~ trials ~ " as double), 0)",
        "nullif(cast(" ~ other_successes ~ " as double), 0)",
        "nullif(cast(" ~ other_trials ~ " as double), 0)",
    ) -%}
    case
        when {{ n }} is null or {{ b }} is null or {{ m }} is null
        then null
        when {{ a }} is null
        then
            {% if bound == "lo" %} 0
            {% else %} {{ wilson_interval("0", trials, "hi", z) }} * {{ m }} / {{ b }}
            {% endif %}
        else
            {{ a }}
            / {{ n }}
            * {{ m }}
            / {{ b }}
            * exp(
                {{ "-" if bound == "lo" else "" }}{{ z }}
                * sqrt(greatest(1 / {{ a }} - 1 / {{ n }} + 1 / {{ b }} - 1 / {{ m }}, 0))
            )
    end
{%- endmacro %}
