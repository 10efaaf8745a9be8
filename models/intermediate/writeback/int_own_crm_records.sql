-- CRM records of people that write-back created, with the values it gave them: what such a record says of its person is
-- what other sources had said before, until somebody changes it.
with
    writes as (select * from {{ ref("stg_ops__sync_writes") }} where action = 'create' and outcome = 'written'),

    final as (
        select
            destination as source,
            max(object) as object,
            record_id,
            {% for column, properties in {
                "first_name": ("firstname", "FirstName"),
                "last_name": ("lastname", "LastName"),
                "job_title": ("jobtitle", "Title"),
            }.items() %}
                max(
                    coalesce(
                        {{ json_field("fields", "'" ~ properties[0] ~ "'") }},
                        {{ json_field("fields", "'" ~ properties[1] ~ "'") }}
                    )
                ) as {{ column }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
        from writes
        where record_id is not null and object in ('contacts', 'leads')
        group by destination, record_id
    )

select *
from final
