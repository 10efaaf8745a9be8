{#
    Whether a fact meets a fit rule (operators of seeds/fit_rules.csv and seeds/fit_exclusions.csv), `code_under` apart, which
    needs the crosswalk of int_activity_code_matches.

    `=` and `in` compare text without regard to case; `between` takes `low..high`, low included and high not, either side
    may be open; `like` takes an SQL pattern; `is_known` with the value `true` holds for every known fact (`false` is handled
    where unknown facts are).

    value: SQL expression, the fact, text.
    operator, rule_value: SQL expressions, the rule's columns.
#}
{% macro fit_rule_matches(value, operator, rule_value) -%}
    case
        {{ operator }}
        when '='
        then lower(trim({{ value }})) = lower(trim({{ rule_value }}))
        when 'in'
        then {{ in_list(value, rule_value) }}
        when 'between'
        then
            {{ to_decimal(value, 2) }}
            >= coalesce({{ to_decimal(dbt.split_part(rule_value, "'..'", 1), 2) }}, -1000000000000000)
            and {{ to_decimal(value, 2) }}
            < coalesce({{ to_decimal(dbt.split_part(rule_value, "'..'", 2), 2) }}, 1000000000000000)
        when 'like'
        then lower({{ value }}) like lower({{ rule_value }})
        when 'is_known'
        then lower(trim({{ rule_value }})) = 'true'
        else false
    end
{%- endmacro %}
