{#
    A number that marketing owns, by name, as a scalar subquery on its seed.

    name: value of the column `setting`.
    seed: name of the seed (columns `setting`, `value`).
#}
{% macro setting(name, seed="scoring_settings") -%}
    (select value from {{ ref(seed) }} where setting = '{{ name }}')
{%- endmacro %}
