{#
    A number that tells whether a row changed: equal rows have equal numbers, nulls included. 64 bits; for comparing a row
    with its earlier self, never as a public key.

    columns: list of SQL expressions that make up the row.
#}
{% macro row_fingerprint(columns) -%}
    {{ return(adapter.dispatch("row_fingerprint", "leadhouse")(columns)) }}
{%- endmacro %}

{% macro default__row_fingerprint(columns) -%} hash({{ columns | join(", ") }}) {%- endmacro %}

{% macro spark__row_fingerprint(columns) -%} xxhash64({{ columns | join(", ") }}) {%- endmacro %}
