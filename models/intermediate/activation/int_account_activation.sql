-- What every CRM is told of an account, whatever the CRM. Values are rounded, so that equal means equal.
with
    accounts as (select * from {{ ref("dim_accounts") }}),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    final as (
        select
            accounts.account_id,
            accounts.hubspot_record_id,
            accounts.salesforce_record_id,
            cast(account_scores.score as decimal(18, 1)) as account_score,
            cast(account_scores.fit_score as decimal(18, 1)) as fit_score,
            cast(account_scores.engagement_score as decimal(18, 1)) as engagement_score,
            account_scores.grade as account_grade,
            account_scores.engaged_contacts,
            account_scores.committee,
            account_scores.missing_roles,
            account_scores.reason_1,
            account_scores.reason_2,
            account_scores.reason_3
        from accounts
        inner join account_scores on accounts.account_id = account_scores.account_id
    )

select *
from final
