-- One row per account that is in Salesforce, on its leading record.
with
    accounts as (select * from {{ ref("int_account_activation") }} where salesforce_record_id is not null),

    final as (
        select
            account_id as sync_key,
            salesforce_record_id as record_id,
            account_id,
            account_score,
            fit_score,
            engagement_score,
            account_grade,
            engaged_contacts,
            committee,
            missing_roles,
            reason_1,
            reason_2,
            reason_3
        from accounts
    )

select *
from final
