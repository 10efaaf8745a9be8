{#
    Whether a fit rule counts beside the others of its attribute: where the seed says so, and always for rules about knowing
    the fact at all.

    rules: name of the relation of fit_rules.
#}
{% macro adds_up(rules) -%} (coalesce({{ rules }}.adds_up, false) or {{ rules }}.operator = 'is_known') {%- endmacro %}
