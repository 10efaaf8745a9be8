{#
    Whether consent keeps a row away from the CRM: true or false.

    A person who opted out is not created there, ever; whether what is there is still updated says dim_consent_rules.

    opted_out: expression, whether the person opted out.
    record_id: expression, the record in the CRM; null = it would be created.
#}
{% macro is_withheld(opted_out, record_id) -%}
    coalesce(
        {{ opted_out }}
        and (
            {{ record_id }} is null
            or (select rules.is_suppressed from {{ ref("dim_consent_rules") }} as rules where rules.write = 'update')
        ),
        false
    )
{%- endmacro %}
