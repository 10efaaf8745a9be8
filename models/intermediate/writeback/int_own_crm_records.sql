-- CRM records of people that write-back created: what they say of their person is what other sources had said before.
with
    writes as (select * from {{ ref("stg_ops__sync_writes") }}),

    final as (
        select distinct destination as source, object, record_id
        from writes
        where action = 'create' and outcome = 'written' and record_id is not null and object in ('contacts', 'leads')
    )

select *
from final
