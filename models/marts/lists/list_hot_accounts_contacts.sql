with
    people as (select * from {{ ref("int_list_people") }}),
    accounts as (select * from {{ ref("dim_accounts") }}),
    account_scores as (select * from {{ ref("fct_account_scores") }}),
    grades as (select * from {{ ref("grades") }}),

    final as (
        select
            people.record_id,
            people.salesforce_record_id,
            people.contact_id,
            people.account_id,
            'Account graded '
            || account_scores.grade
            || ': '
            || coalesce(accounts.account_name, accounts.domain, accounts.account_id)
            || '. '
            || account_scores.gate_reason as reason,
            'Conta com nota '
            || account_scores.grade
            || ': '
            || coalesce(accounts.account_name, accounts.domain, accounts.account_id) as reason_pt,
            {{ list_context("people") }}
        from people
        inner join accounts on people.account_id = accounts.account_id
        inner join account_scores on people.account_id = account_scores.account_id
        inner join grades on account_scores.grade = grades.grade
        where grades.is_hot
    )

select *
from final
