{#
    The CRMs whose records the models read, by the name that stands in `source`: each has a folder models/staging/<name> with
    the models stg_<name>__<entity> that union_crm asks for. A list of names; tables that no CRM filled are empty, not missing.
-#}
{% macro crm_sources() -%} {{ return(["hubspot"]) }} {%- endmacro %}
