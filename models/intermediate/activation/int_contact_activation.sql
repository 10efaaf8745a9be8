-- What every CRM is told of a person, whatever the CRM. Values are rounded, so that equal means equal.
with
    contacts as (select * from {{ ref("dim_contacts") }}),

    accounts as (select account_id, account_name from {{ ref("dim_accounts") }}),

    contact_scores as (select * from {{ ref("fct_contact_scores") }}),

    account_scores as (select * from {{ ref("fct_account_scores") }}),

    contact_stages as (select * from {{ ref("dim_contact_stages") }}),

    stages as (select * from {{ ref("lifecycle_stages") }}),

    final as (
        select
            contacts.contact_id,
            contacts.email,
            contacts.email_status,
            contacts.first_name,
            contacts.last_name,
            contacts.job_title,
            accounts.account_name as company_name,
            coalesce(contacts.is_opted_out, false) as is_opted_out,
            cast(contact_scores.score as decimal(18, 1)) as lead_score,
            cast(contact_scores.fit_score as decimal(18, 1)) as fit_score,
            cast(contact_scores.engagement_score as decimal(18, 1)) as engagement_score,
            contact_scores.grade as lead_grade,
            contact_stages.stage as lead_stage,
            cast(contact_stages.stage_since as date) as lead_stage_since,
            contact_scores.reason_1,
            contact_scores.reason_2,
            contact_scores.reason_3,
            account_scores.grade as account_grade,
            account_scores.missing_roles as account_missing_roles,
            coalesce(stages.creates_in_crm, false) as creates_in_crm,
            contacts.hubspot_record_id,
            contacts.salesforce_record_id,
            coalesce(contacts.is_archived_in_hubspot, false) as is_archived_in_hubspot,
            coalesce(contacts.is_archived_in_salesforce, false) as is_archived_in_salesforce
        from contacts
        inner join contact_scores on contacts.contact_id = contact_scores.contact_id
        left join contact_stages on contacts.contact_id = contact_stages.contact_id
        left join stages on contact_stages.stage = stages.stage
        left join accounts on contacts.account_id = accounts.account_id
        left join account_scores on contacts.account_id = account_scores.account_id
    )

select *
from final
