{#
    Points clipped to a cap: not above a positive cap, not below a negative one; no cap where it is null.

    points, cap: SQL expressions.
#}
{% macro clip_to_cap(points, cap) -%}
    case
        when {{ cap }} >= 0 and {{ points }} > {{ cap }}
        then {{ cap }}
        when {{ cap }} < 0 and {{ points }} < {{ cap }}
        then {{ cap }}
        else {{ points }}
    end
{%- endmacro %}
