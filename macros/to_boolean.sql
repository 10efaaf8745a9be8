{#
    A boolean from the words sources use for it; null for any other text.

    expression: SQL expression, text.
#}
{% macro to_boolean(expression) -%}
    case
        when lower(trim({{ expression }})) in ('true', 't', 'yes', 'y', '1', 'sim', 'oui', 'si')
        then true
        when lower(trim({{ expression }})) in ('false', 'f', 'no', 'n', '0', 'nao', 'não', 'non')
        then false
    end
{%- endmacro %}
