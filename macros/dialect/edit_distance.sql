{#
    Letters by which two texts differ: one added, left out or taken for another, or two neighbours swapped (an engine
    without that counts a swap as two).

    one, other: SQL expressions, text.
#}
{% macro edit_distance(one, other) -%}
    {{ return(adapter.dispatch("edit_distance", "leadhouse")(one, other)) }}
{%- endmacro %}

{% macro default__edit_distance(one, other) -%} damerau_levenshtein({{ one }}, {{ other }}) {%- endmacro %}

{% macro spark__edit_distance(one, other) -%} levenshtein({{ one }}, {{ other }}) {%- endmacro %}
