{#
    A query: the kept changes of one Salesforce object's fields, renamed.

    table: name of the raw table.
    record_column: its column that names the record.
#}
{% macro salesforce_field_history(table, record_column) -%}
    with
        source as (select * from {{ source("raw_salesforce", table) }}),

        renamed as (
            select
                id as record_id,
                created_at,
                updated_at,
                system_modstamp,
                created_by_id,
                last_modified_by_id,
                coalesce(is_deleted, false) as is_archived,
                deleted_at as archived_at,
                {{ blank_to_null(record_column) }} as {{ record_column }},
                {{ blank_to_null("field") }} as field,
                {{ blank_to_null("old_value") }} as old_value,
                {{ blank_to_null("new_value") }} as new_value,
                properties,
                _loaded_at as loaded_at,
            from source
        )

    select *
    from renamed
{%- endmacro %}
