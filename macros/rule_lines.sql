{#
    A scalar subquery: the rows of a rule seed as one text, a line each, cells joined by `|`, in an order of its own. How
    functions of the hygiene package are given the words that marketing owns.

    seed: name of the seed.
    columns: list of column names.
#}
{% macro rule_lines(seed, columns) -%}
    {%- set line = columns | join(" || '|' || ") -%}
    (select {{ dbt.listagg(line, "chr(10)", "order by " ~ line) }} from {{ ref(seed) }})
{%- endmacro %}
