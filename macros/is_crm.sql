{#
    Whether a record came from a CRM (crm_sources), not from a mapping file, a form or a tracker: true or false.

    source: expression of the record's source.
#}
{% macro is_crm(source) -%} {{ source }} in ('{{ crm_sources().keys() | join("', '") }}') {%- endmacro %}
