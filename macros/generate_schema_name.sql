{#
    Schemas bear plain names (config, staging, intermediate, marts) with no target prefix. A target whose schema is not
    `main` (a replay, a what-if, a test) gets its own set: <schema>_<name>.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%} {{ target.schema }}
    {%- elif target.schema == "main" -%} {{ custom_schema_name | trim }}
    {%- else -%} {{ target.schema }}_{{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
