with
    clusters as (select * from {{ ref("int_contact_clusters") }}),

    records as (select * from {{ ref("int_contact_records") }}),

    attributes as (select * from {{ ref("int_contact_attributes") }} where is_surviving),

    titles as (select * from {{ ref("int_job_titles") }}),

    contact_accounts as (select * from {{ ref("int_contact_accounts") }}),

    crm_records as (select * from {{ ref("int_contact_crm_records") }}),

    mailboxes as (select * from {{ ref("int_contact_identifiers") }} where identifier_type in ('email', 'email_role')),

    clean_emails as (select * from {{ ref("int_clean_emails") }}),

    subscription_changes as (
        select *
        from {{ ref("stg_hubspot__email_events") }}
        where event_type = 'STATUSCHANGE' and subscription_status is not null
    ),

    members as (
        select
            clusters.contact_id,
            count(*) as source_record_count,
            min(records.created_at) as created_at,
            -- An opt-out outlives the record it was given on: who said no on an archived one said no.
            max(case when records.is_opted_out then 1 else 0 end) as is_opted_out,
            max(case when {{ is_crm("records.source") }} and records.is_archived then 1 else 0 end) as has_archived,
            max(
                case when records.source = 'hubspot' and records.is_archived then 1 else 0 end
            ) as has_archived_in_hubspot,
            max(
                case when records.source = 'salesforce' and records.is_archived then 1 else 0 end
            ) as has_archived_in_salesforce,
            max(case when clusters.is_oldest then records.capture_method end) as capture_method
        from clusters
        inner join records on clusters.record_key = records.record_key
        group by clusters.contact_id
    ),

    surviving as (
        select
            contact_id,
            max(case when field = 'email' then value end) as email,
            max(case when field = 'email' then value_status end) as email_status,
            max(case when field = 'phone' then value end) as phone,
            max(case when field = 'phone' then value_status end) as phone_status,
            max(case when field = 'first_name' then value end) as first_name,
            max(case when field = 'last_name' then value end) as last_name,
            max(case when field = 'job_title' then value end) as job_title,
            max(case when field = 'country' then value end) as country,
            max(case when field = 'language' then value end) as language,
            max(case when field = 'lifecycle_stage' then value end) as lifecycle_stage,
            max(case when field = 'lead_status' then value end) as lead_status,
            max(case when field = 'owner_id' then value end) as owner_id
        from attributes
        group by contact_id
    ),

    -- The last word of each mailbox on marketing mail.
    subscriptions as (
        select
            clean_emails.email_canonical,
            subscription_changes.subscription_status,
            row_number() over (
                partition by clean_emails.email_canonical
                order by subscription_changes.event_at desc, subscription_changes.event_id desc
            ) as recency
        from subscription_changes
        inner join clean_emails on subscription_changes.email_raw = clean_emails.email_raw
    ),

    -- Whoever is written to at a mailbox that opted out: all who share it, linked or not.
    unsubscribed as (
        select distinct clusters.contact_id
        from subscriptions
        inner join mailboxes on subscriptions.email_canonical = mailboxes.identifier_value
        inner join clusters on mailboxes.record_key = clusters.record_key
        where subscriptions.recency = 1 and subscriptions.subscription_status = 'UNSUBSCRIBED'
    ),

    written_to as (
        select
            contact_id,
            sum(case when source = 'hubspot' then 1 else 0 end) as hubspot_record_count,
            max(case when source = 'hubspot' and is_primary then record_id end) as hubspot_record_id,
            sum(case when source = 'salesforce' then 1 else 0 end) as salesforce_record_count,
            max(case when source = 'salesforce' and is_primary then record_id end) as salesforce_record_id,
            max(case when source = 'salesforce' and is_primary then object end) as salesforce_object
        from crm_records
        group by contact_id
    ),

    final as (
        select
            members.contact_id,
            contact_accounts.account_id,
            -- As typed where it cannot be written to, as int_contact_attributes keeps it: that is no address.
            case when surviving.email_status != 'invalid' then surviving.email end as email,
            coalesce(surviving.email_status, 'missing') as email_status,
            case when surviving.phone_status in ('valid', 'possible') then surviving.phone end as phone_e164,
            surviving.first_name,
            surviving.last_name,
            {{ blank_to_null("coalesce(surviving.first_name, '') || ' ' || coalesce(surviving.last_name, '')") }}
            as full_name,
            surviving.job_title,
            surviving.country,
            {{ dbt.split_part("surviving.language", "'-'", 1) }} as language,
            coalesce(titles.buying_role, 'unknown') as buying_role,
            coalesce(titles.seniority, 'unknown') as seniority,
            cast(coalesce(titles.confidence, 0) as decimal(4, 2)) as role_confidence,
            surviving.lifecycle_stage,
            surviving.lead_status,
            surviving.owner_id,
            members.is_opted_out = 1 or unsubscribed.contact_id is not null as is_opted_out,
            coalesce(surviving.email_status, 'missing') in ('valid', 'role')
            or coalesce(surviving.phone_status, 'missing') in ('valid', 'possible') as is_reachable,
            written_to.hubspot_record_id,
            cast(coalesce(written_to.hubspot_record_count, 0) as bigint) as hubspot_record_count,
            written_to.salesforce_record_id,
            written_to.salesforce_object,
            cast(coalesce(written_to.salesforce_record_count, 0) as bigint) as salesforce_record_count,
            members.has_archived = 1 and written_to.contact_id is null as is_archived_in_crm,
            members.has_archived_in_hubspot = 1 and written_to.hubspot_record_id is null as is_archived_in_hubspot,
            members.has_archived_in_salesforce = 1
            and written_to.salesforce_record_id is null as is_archived_in_salesforce,
            members.source_record_count,
            members.created_at,
            members.capture_method
        from members
        left join surviving on members.contact_id = surviving.contact_id
        left join titles on surviving.job_title = titles.job_title
        left join contact_accounts on members.contact_id = contact_accounts.contact_id
        left join written_to on members.contact_id = written_to.contact_id
        left join unsubscribed on members.contact_id = unsubscribed.contact_id
    )

select *
from final
