{#
    Days from one moment to another as a fraction, to the second.

    earlier, later: SQL expressions, UTC timestamps (or dates: the start of that day).
#}
{% macro days_between(earlier, later) -%}
    ({{ dbt.datediff(earlier, later, "second") }} / cast(86400 as double))
{%- endmacro %}
