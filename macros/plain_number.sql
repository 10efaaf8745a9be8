{#
    A number as people write it: without decimals when it is whole.

    expression: SQL expression, DECIMAL.
#}
{% macro plain_number(expression) -%}
    case
        when {{ expression }} = floor({{ expression }})
        then cast(cast({{ expression }} as bigint) as {{ dbt.type_string() }})
        else cast({{ expression }} as {{ dbt.type_string() }})
    end
{%- endmacro %}
