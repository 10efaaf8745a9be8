{#
    Whether the model's own table of the last build is there with these columns, so that a costly result can be taken
    over from it instead of being computed again. False on a full refresh. (What is taken over must say what it was made
    by; see hygiene_version.)

    columns: list of column names.
#}
{% macro has_last_build(columns) -%}
    {%- if not execute or flags.FULL_REFRESH -%} {{ return(false) }} {%- endif -%}
    {%- set last_build = load_cached_relation(this) -%}
    {%- if last_build is none or not last_build.is_table -%} {{ return(false) }} {%- endif -%}
    {%- set present = adapter.get_columns_in_relation(last_build) | map(attribute="name") | map("lower") | list -%}
    {{ return(columns | reject("in", present) | list | length == 0) }}
{%- endmacro %}
