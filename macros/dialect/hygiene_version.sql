{#
    What values are cleaned by: a hash over the hygiene package and its libraries. A value cleaned by another version is
    cleaned again.
#}
{% macro hygiene_version() -%} {{ return(adapter.dispatch("hygiene_version", "leadhouse")()) }} {%- endmacro %}

{% macro default__hygiene_version() -%} (select lh_hygiene_version()) {%- endmacro %}
