{#
    The CRMs whose records the models read, by the name that stands in `source`, with what the models that bear their entities
    are named by: <prefix>contacts, <prefix>deals, ... (union_crm). Tables that no CRM filled are empty, not missing.
#}
{% macro crm_sources() -%} {{ return({"hubspot": "stg_hubspot__", "salesforce": "int_salesforce_"}) }} {%- endmacro %}
