with
    contacts as (select * from {{ ref("dim_contacts") }}),
    accounts as (select * from {{ ref("dim_accounts") }}),
    account_scores as (select * from {{ ref("fct_account_scores") }}),
    grades as (select * from {{ ref("grades") }}),

    final as (
        select
            contacts.hubspot_record_id as record_id,
            contacts.contact_id,
            contacts.account_id,
            'Account graded '
            || account_scores.grade
            || ': '
            || coalesce(accounts.account_name, accounts.domain, accounts.account_id)
            || '. '
            || account_scores.gate_reason as reason
        from contacts
        inner join accounts on contacts.account_id = accounts.account_id
        inner join account_scores on contacts.account_id = account_scores.account_id
        inner join grades on account_scores.grade = grades.grade
        where grades.is_hot and contacts.hubspot_record_id is not null and not coalesce(contacts.is_opted_out, false)
    )

select *
from final
