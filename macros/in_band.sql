{#
    Whether a score lies in a band: the lower bound belongs to it, the upper does not; an empty bound is open.

    score: SQL expression.
    band: name of the relation of score_bands.
#}
{% macro in_band(score, band) -%}
    ({{ band }}.lo is null or {{ score }} >= {{ band }}.lo) and ({{ band }}.hi is null or {{ score }} < {{ band }}.hi)
{%- endmacro %}
