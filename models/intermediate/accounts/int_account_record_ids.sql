-- Every id that an account record answers to: its own, and those that the CRM merged into it.
with
    account_records as (select * from {{ ref("int_crm_account_records") }}),

    ids as (
        select source, record_id, record_key
        from account_records
        union
        select source, part as record_id, record_key
        from {{ split_rows("account_records", "merged_record_ids") }} as merged
    ),

    final as (select source, record_id, record_key from ids)

select *
from final
