{#
    Hook of a model that is incremental by row: deletes the rows whose fingerprint is no longer one of the source's, that
    is, whose source row changed or vanished. Does nothing on the first build and on a full refresh. Runs in the
    transaction of the model.

    source: relation with the current rows.
    fingerprint: name of the fingerprint's column, the same in the source and in the model; never null.
#}
{% macro delete_changed_rows(source, fingerprint) -%}
    {% if is_incremental() %}
        delete from {{ this }} where {{ fingerprint }} not in (select {{ fingerprint }} from {{ source }})
    {% endif %}
{%- endmacro %}
