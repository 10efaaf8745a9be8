{#
    Statuses of cleaned values that can be used, as a list of SQL literals: a value that is kept, if with a remark.
#}
{% macro usable_statuses() -%} 'valid', 'possible', 'role', 'suspect' {%- endmacro %}
