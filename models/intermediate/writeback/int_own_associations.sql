-- Contacts that write-back associated with a company in the CRM: our own conclusion, which is no evidence for itself.
with
    writes as (select * from {{ ref("stg_ops__sync_writes") }} where action = 'associate' and outcome = 'written'),

    ends as (
        select
            destination as source,
            {{ json_field("fields", "'from_object'") }} as from_object,
            record_id,
            {{ json_field("fields", "'to_object'") }} as to_object,
            {{ json_field("fields", "'to_id'") }} as to_id
        from writes
        where record_id is not null and fields is not null
    ),

    final as (
        select distinct source, record_id as contact_record_id, to_id as company_record_id
        from ends
        where from_object in ('contacts', 'leads') and to_object in ('companies', 'accounts') and to_id is not null
    )

select *
from final
