{#
    Values as cells of a CSV file: joined by commas, each in double quotes where it holds a comma, a quote or a line break.

    columns: list of SQL expressions, text.
#}
{% macro csv_line(columns) -%}
    {%- for column in columns -%}
        case
            when {{ column }} like '%,%' or {{ column }} like '%"%' or {{ column }} like '%' || chr(10) || '%'
            then '"' || {{ dbt.replace(column, "'\"'", "'\"\"'") }} || '"'
            else {{ column }}
        end
        {%- if not loop.last %} || ',' || {% endif -%}
    {%- endfor -%}
{%- endmacro %}
