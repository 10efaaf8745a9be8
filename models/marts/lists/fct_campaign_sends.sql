-- What each marketing campaign sent, and to which list it refers (R75).
with
    campaigns as (select * from {{ ref("stg_hubspot__email_campaigns") }}),

    sends as (
        select * from {{ ref("stg_hubspot__email_events") }} where event_type = 'SENT' and event_at <= {{ as_of() }}
    ),

    clean_emails as (select * from {{ ref("int_clean_emails") }}),

    contact_emails as (select * from {{ ref("int_contact_emails") }}),

    rules as (select * from {{ ref("campaign_lists") }}),

    list_versions as (select * from {{ ref("fct_list_versions") }}),

    memberships as (select * from {{ ref("fct_list_memberships") }}),

    first_rules as (
        select campaigns.campaign_id, min(rules.priority) as priority
        from campaigns
        inner join rules on {{ matches("lower(campaigns.name)", "rules.campaign_pattern") }}
        group by campaigns.campaign_id
    ),

    campaign_lists as (
        select first_rules.campaign_id, rules.list_name
        from first_rules
        inner join rules on first_rules.priority = rules.priority
    ),

    sent as (
        select sends.event_id, sends.campaign_id, sends.event_at, contact_emails.contact_id, campaign_lists.list_name
        from sends
        left join campaign_lists on sends.campaign_id = campaign_lists.campaign_id
        left join clean_emails on sends.email_raw = clean_emails.email_raw
        left join contact_emails on clean_emails.email_canonical = contact_emails.email_canonical
    ),

    on_list as (
        select sent.campaign_id, count(distinct sent.event_id) as sends_on_list
        from sent
        inner join
            memberships
            on sent.list_name = memberships.list_name
            and sent.contact_id = memberships.contact_id
            and sent.event_at >= memberships.valid_from
            and (memberships.valid_to is null or sent.event_at < memberships.valid_to)
        group by sent.campaign_id
    ),

    history as (select list_name, min(valid_from) as known_from from memberships group by list_name),

    totals as (
        select
            sent.campaign_id,
            max(sent.list_name) as list_name,
            count(*) as sends,
            count(distinct sent.contact_id) as recipients,
            sum(case when sent.event_at >= history.known_from then 1 else 0 end) as sends_since_history,
            min(sent.event_at) as first_sent_at,
            max(sent.event_at) as last_sent_at
        from sent
        left join history on sent.list_name = history.list_name
        group by sent.campaign_id
    ),

    final as (
        select
            coalesce(totals.campaign_id, 'unknown') as campaign_id,
            campaigns.name as campaign,
            campaigns.subject,
            totals.list_name,
            list_versions.list_version,
            totals.sends,
            totals.recipients,
            totals.first_sent_at,
            totals.last_sent_at,
            cast(totals.sends_since_history as bigint) as sends_since_history,
            coalesce(on_list.sends_on_list, 0) as sends_on_list
        from totals
        left join campaigns on totals.campaign_id = campaigns.campaign_id
        left join on_list on totals.campaign_id = on_list.campaign_id
        left join
            list_versions
            on totals.list_name = list_versions.list_name
            and totals.last_sent_at >= list_versions.valid_from
            and (list_versions.valid_to is null or totals.last_sent_at < list_versions.valid_to)
    )

select *
from final
