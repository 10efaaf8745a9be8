{#
    A text without surrounding white space; null where nothing is left or Salesforce put its own stand-in for a required field
    that nobody filled: [not provided].

    expression: SQL expression, text.
#}
{% macro provided(expression) -%} nullif({{ blank_to_null(expression) }}, '[not provided]') {%- endmacro %}
