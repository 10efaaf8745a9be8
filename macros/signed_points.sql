{#
    Points as people read them, with their sign and one decimal: ` (+12.4)`.

    points: SQL expression, DECIMAL.
#}
{% macro signed_points(points) -%}
    ' ('
    || case when {{ points }} >= 0 then '+' else '' end
    || cast(cast({{ points }} as decimal(18, 1)) as varchar)
    || ')'
{%- endmacro %}
