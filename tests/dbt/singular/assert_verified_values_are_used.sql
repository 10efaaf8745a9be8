-- A line of seeds/verified_values.csv that names no known record, or whose value cannot be read, counts for nothing:
-- it is
-- shown, the build goes on.
{{ config(severity="warn") }}

select
    'contact' as entity, source, record_id, cast(null as {{ dbt.type_string() }}) as domain, field, value_raw, problem
from {{ ref("int_verified_contact_values") }}
where problem is not null
union all
select 'account' as entity, source, record_id, domain, field, value_raw, problem
from {{ ref("int_verified_account_values") }}
where problem is not null
