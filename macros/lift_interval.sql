{#
    One bound of the 95 % interval of a lift: how often a value is found in a group, over how often it is found in all.

    lift = (both / in_group) / (with_value / all). The group is part of all, so that the variance of ln(lift) by the delta
    method over the four cells of the table is 1/both - 1/in_group - 1/with_value + (2 lift - 1) / all. Where the value is
    not found in the group, the lower bound is 0 and the upper one Wilson's for none of in_group over the share in all. 30 of
    60 against 100 of 600: lift 3 [2.36, 3.81].

    both, in_group, with_value, all: SQL expressions, counts.
    bound: lo or hi.
    z: standard deviations either way; 1.959964 = 95 %.
#}
{% macro lift_interval(both, in_group, with_value, all, bound, z=1.959964) -%}
    {%- if bound not in ("lo", "hi") -%}
        {{ exceptions.raise_compiler_error("lift_interval: bound is 'lo' or 'hi', not '" ~ bound ~ "'") }}
    {%- endif -%}
    {%- set a, w, n, t = (
        "nullif(cast(" ~ both ~ " as double), 0)",
        "nullif(cast(" ~ in_group ~ " as double), 0)",
        "nullif(cast(" ~ with_value ~ " as double), 0)",
        "nullif(cast(" ~ all ~ " as double), 0)",
    ) -%}
    {%- set lift = "(" ~ a ~ " * " ~ t ~ " / " ~ w ~ " / " ~ n ~ ")" -%}
    {%- set variance = "(1 / " ~ a ~ " - 1 / " ~ w ~ " - 1 / " ~ n ~ " + (2 * " ~ lift ~ " - 1) / " ~ t ~ ")" -%}
    case
        when {{ w }} is null or {{ n }} is null or {{ t }} is null
        then null
        when {{ a }} is null
        then
            {% if bound == "lo" %} 0
            {% else %} {{ wilson_interval("0", in_group, "hi", z) }} * {{ t }} / {{ n }}
            {% endif %}
        else {{ lift }} * exp({{ "-" if bound == "lo" else "" }}{{ z }} * sqrt(greatest({{ variance }}, 0)))
    end
{%- endmacro %}
