{#
    The columns identify a row: together unique, none of them null. One query instead of several.

    columns: list of column names.
#}
{% test primary_key(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as row_count
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1 {% for column in columns %} or {{ column }} is null {% endfor %}
{% endtest %}
