{#
    The moment a model is computed for (UTC timestamp), as a scalar subquery on a one-row model: never a literal baked
    into compiled SQL, so that the same statement recomputes any past day (DESIGN 1).
#}
{% macro as_of() -%} (select as_of_at from {{ ref("int_as_of") }}) {%- endmacro %}
