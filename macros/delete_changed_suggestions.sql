{#
    Hook of int_identity_nodes: deletes the records of addresses whose suggested spelling is no longer the one that is
    compared. A suggestion depends on all addresses known, so it may change while the record does not.
#}
{% macro delete_changed_suggestions() -%}
    {% if is_incremental() %}
        {%- set current -%}
            select email_raw, suggested_email_canonical
            from {{ ref("int_clean_emails") }}
            where suggested_email_canonical is not null
        {%- endset -%}
        {%- set compared -%}
            select email_raw, suggested_email_canonical from {{ this }} where suggested_email_canonical is not null
        {%- endset -%}
        delete from {{ this }}
        where
            email_raw in (
                select email_raw
                from
                    (
                        {{ current }}
                        except
                        {{ compared }}
                    ) as came
                union
                select email_raw
                from
                    (
                        {{ compared }}
                        except
                        {{ current }}
                    ) as went
            )
    {% endif %}
{%- endmacro %}
