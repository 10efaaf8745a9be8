{#
    An aggregate that tells whether a set of rows changed, whatever their order: the sum of the rows' hashes, as text.

    columns: list of SQL expressions that make up a row.
#}
{% macro rows_fingerprint(columns) -%}
    {{ return(adapter.dispatch("rows_fingerprint", "leadhouse")(columns)) }}
{%- endmacro %}

{% macro default__rows_fingerprint(columns) -%}
    cast(sum(cast(hash({{ columns | join(", ") }}) as hugeint)) as varchar)
{%- endmacro %}

{% macro spark__rows_fingerprint(columns) -%}
    cast(sum(cast(xxhash64({{ columns | join(", ") }}) as decimal(38, 0))) as string)
{%- endmacro %}
