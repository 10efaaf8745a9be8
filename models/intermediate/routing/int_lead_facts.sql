-- What segments, gate, routes, lists and next actions ask about a person, gathered once.
with
    contacts as (select * from {{ ref("dim_contacts") }}),

    accounts as (select * from {{ ref("dim_accounts") }}),

    account_facts as (select * from {{ ref("int_account_fit_facts") }}),

    scores as (select * from {{ ref("fct_contact_scores") }}),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    stages as (select * from {{ ref("dim_contact_stages") }}),

    requests as (select * from {{ ref("fct_contact_requests") }} where is_latest),

    -- The value that scoring reads: verified before enriched before declared, revenue in the reporting currency.
    company_sizes as (
        select
            account_id,
            max(case when attribute = 'employee_count' then {{ to_decimal("value", 2) }} end) as employee_count,
            max(case when attribute = 'annual_revenue' then {{ to_decimal("value", 2) }} end) as annual_revenue
        from account_facts
        where attribute in ('employee_count', 'annual_revenue')
        group by account_id
    ),

    final as (
        select
            contacts.contact_id,
            contacts.account_id,
            accounts.account_name,
            contacts.hubspot_record_id,
            contacts.salesforce_record_id,
            contacts.salesforce_object,
            coalesce(contacts.country, accounts.country) as country,
            contacts.language,
            contacts.buying_role,
            company_sizes.employee_count,
            company_sizes.annual_revenue,
            coalesce(contacts.is_opted_out, false) as is_opted_out,
            coalesce(contacts.is_reachable, false) as is_reachable,
            coalesce(contacts.is_archived_in_crm, false) as is_archived_in_crm,
            contacts.email is not null and contacts.email_status in ('valid', 'role') as has_email,
            contacts.phone_e164 is not null as has_phone,
            contacts.full_name,
            contacts.email,
            contacts.full_name is not null as has_name,
            scores.exclusion_reason,
            stages.stage,
            stages.stage_since,
            scores.fit_score,
            scores.engagement_score,
            scores.score,
            scores.grade,
            scores.fit_band,
            scores.engagement_band,
            scores.reason_1,
            scores.reason_2,
            scores.reason_3,
            scores.reason_1_pt,
            scores.reason_2_pt,
            scores.reason_3_pt,
            requests.request_group,
            case
                when
                    {{ days_between("requests.requested_at", as_of()) }}
                    <= {{ setting("request_fresh_days", "list_settings") }}
                then requests.request_group
            end as open_request_group,
            requests.form_kind as latest_request_kind,
            requests.requested_at as latest_request_at,
            account_scores.grade as account_grade,
            account_scores.missing_roles,
            contacts.owner_id as contact_owner_id,
            accounts.owner_id as account_owner_id,
            contacts.created_at
        from contacts
        left join accounts on contacts.account_id = accounts.account_id
        left join company_sizes on contacts.account_id = company_sizes.account_id
        left join scores on contacts.contact_id = scores.contact_id
        left join account_scores on contacts.account_id = account_scores.account_id
        left join stages on contacts.contact_id = stages.contact_id
        left join requests on contacts.contact_id = requests.contact_id
    )

select *
from final
