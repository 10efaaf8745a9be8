-- Stand-ins by field, as typed values are compared: lower case, no accents, single spaces.
with
    placeholder_values as (select * from {{ ref("placeholder_values") }}),

    fields as (
        {% for field in ["email", "phone", "name", "company", "job_title", "country", "language"] %}
            select '{{ field }}' as field {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    keyed as (select field, kind, {{ hygiene_part(clean_name("value"), 5) }} as value_key from placeholder_values),

    final as (
        select fields.field, keyed.value_key, min(keyed.kind) as kind
        from keyed
        inner join fields on keyed.field in (fields.field, '*')
        where keyed.value_key is not null
        group by fields.field, keyed.value_key
    )

select *
from final
