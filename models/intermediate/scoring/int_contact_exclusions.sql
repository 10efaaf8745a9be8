-- Who is excluded by what they are, or by what their company is; a student excludes no company.
with
    contacts as (select contact_id, account_id from {{ ref("dim_contacts") }}),
    own_exclusions as (select * from {{ ref("int_contact_own_exclusions") }}),
    account_exclusions as (select * from {{ ref("int_account_exclusions") }}),

    exclusions as (
        select contact_id, priority, rule_id, reason_code, value, stated_at
        from own_exclusions
        union all
        select
            contacts.contact_id,
            account_exclusions.priority,
            account_exclusions.rule_id,
            account_exclusions.reason_code,
            account_exclusions.value,
            account_exclusions.stated_at
        from contacts
        inner join account_exclusions on contacts.account_id = account_exclusions.account_id
    ),

    ranked as (select *, row_number() over (partition by contact_id order by priority) as place from exclusions),

    final as (select contact_id, rule_id, reason_code, value, stated_at from ranked where place = 1)

select *
from final
