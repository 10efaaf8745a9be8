{# Why a CRM may refuse a record: the write-back's own list (reverse_etl/connectors/base.py, ERROR_KINDS). #}
{% macro refusal_kinds() -%}
    {{ return(["validation", "missing", "conflict", "permission", "rate", "unknown"]) }}
{%- endmacro %}
