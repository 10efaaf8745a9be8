{#
    One row per live HubSpot contact record (a person with two records has the same values on both), and one per person who
    is not in HubSpot, has reached a stage that creates records there (lifecycle_stages.creates_in_crm), can be found again by e-mail, and never
    had a record there that was archived. Values are rounded, so that equal means equal.
#}
with
    contacts as (select * from {{ ref("dim_contacts") }}),
    hubspot_records as (select * from {{ ref("int_contact_crm_records") }} where source = 'hubspot'),
    contact_scores as (select * from {{ ref("fct_contact_scores") }}),
    account_scores as (select * from {{ ref("fct_account_scores") }}),
    contact_stages as (select * from {{ ref("dim_contact_stages") }}),
    stages as (select * from {{ ref("lifecycle_stages") }}),

    targets as (
        select
            case
                when hubspot_records.is_primary
                then contacts.contact_id
                else contacts.contact_id || ':' || hubspot_records.record_id
            end as sync_key,
            hubspot_records.record_id,
            contacts.contact_id
        from contacts
        inner join hubspot_records on contacts.contact_id = hubspot_records.contact_id

        union all

        select contacts.contact_id as sync_key, cast(null as {{ dbt.type_string() }}) as record_id, contacts.contact_id
        from contacts
        inner join contact_stages on contacts.contact_id = contact_stages.contact_id
        inner join stages on contact_stages.stage = stages.stage and stages.creates_in_crm
        where
            contacts.hubspot_record_id is null
            and not coalesce(contacts.is_archived_in_hubspot, false)
            and contacts.email is not null
            and contacts.email_status in ('valid', 'role')
    ),

    final as (
        select
            targets.sync_key,
            targets.record_id,
            contacts.contact_id,
            contacts.email,
            contacts.first_name,
            contacts.last_name,
            contacts.job_title,
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
            account_scores.missing_roles as account_missing_roles
        from targets
        inner join contacts on targets.contact_id = contacts.contact_id
        inner join contact_scores on contacts.contact_id = contact_scores.contact_id
        left join contact_stages on contacts.contact_id = contact_stages.contact_id
        left join account_scores on contacts.account_id = account_scores.account_id
    )

select *
from final
