-- Nothing is lost: per source and entity, the records received are those kept, those merged into a kept one (a
-- duplicate, a
-- repeated delivery, an older report) and those set aside. Each number is counted where it can be seen; a test adds
-- up (R8). Erased are records of people who asked for it and whom a later read met again: turned away, counted, not
-- kept.
with
    received as (
        {% for entity in ["contacts", "companies", "deals", "calls", "meetings", "emails", "tasks"] %}
            select
                source,
                {{ raw_name_of("source", "crm_object" if entity == "contacts" else "'" ~ entity ~ "'") }} as entity,
                count(*) as records
            from {{ ref("int_crm_" ~ entity) }}
            group by 1, 2
            union all
        {% endfor %}
        {% for entity in ["form_submissions", "email_events"] %}
            select 'hubspot' as source, '{{ entity }}' as entity, count(*) as records
            from {{ ref("stg_hubspot__" ~ entity) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
        union all
        select 'events' as source, 'events' as entity, count(*) as records
        from {{ ref("stg_events__events") }}
        union all
        select 'events' as source, 'people' as entity, count(distinct coalesce(user_id, lower(email_raw))) as records
        from {{ ref("stg_events__events") }}
        union all
        select 'ads' as source, 'spend' as entity, count(*) as records
        from {{ ref("stg_ads__spend") }}
        union all
        select 'ads' as source, 'campaigns' as entity, count(*) as records
        from {{ ref("stg_ads__campaigns") }}
        union all
        select 'enrichment' as source, 'companies' as entity, count(*) as records
        from {{ ref("stg_enrichment__companies") }}
        {% for entity in ["accounts", "contacts", "opportunities", "products", "owners"] %}
            union all
            select source, '{{ entity }}' as entity, count(*) as records
            from {{ ref("stg_files__" ~ entity) }}
            group by source
        {% endfor %}
    ),

    refused as (
        select source, {{ dbt.split_part("entity", "'.'", 2) }} as entity, count(*) as records
        from {{ ref("stg_quarantine__records") }}
        group by 1, 2
    ),

    set_aside as (
        select
            source,
            {{ dbt.split_part("entity", "'.'", 2) }} as entity,
            coalesce(reason_code, '') = 'erased' as is_erased,
            count(*) as records
        from {{ ref("mart_quarantine") }}
        group by 1, 2, 3
    ),

    contact_fates as (
        select
            records.source,
            case
                when crm_contacts.record_id is not null
                then {{ raw_name_of("records.source", "crm_contacts.crm_object") }}
                else 'contacts'
            end as entity,
            clusters.is_leading as is_kept,
            count(*) as records
        from {{ ref("int_contact_records") }} as records
        inner join {{ ref("int_contact_clusters") }} as clusters on records.record_key = clusters.record_key
        left join
            {{ ref("int_crm_contacts") }} as crm_contacts
            on records.source = crm_contacts.source
            and records.record_id = crm_contacts.record_id
        where records.source not in ('hubspot_forms', 'events')
        group by 1, 2, 3
    ),

    account_fates as (
        select
            records.source,
            case
                when {{ is_crm("records.source") }}
                then {{ raw_name_of("records.source", "'companies'") }}
                else 'accounts'
            end as entity,
            clusters.is_leading as is_kept,
            count(*) as records
        from {{ ref("int_crm_account_records") }} as records
        inner join {{ ref("int_account_clusters") }} as clusters on records.record_key = clusters.record_key
        group by records.source, clusters.is_leading
    ),

    -- Where there is no account layer, companies are set aside as a whole; else none may be missing.
    accounts_without_layer as (
        select
            source,
            case
                when {{ is_crm("source") }} then {{ raw_name_of("source", "'companies'") }} else 'accounts'
            end as entity,
            count(*) as records
        from {{ ref("int_crm_account_records") }}
        where {{ setting("account_layer", "account_match_settings") }} = 0
        group by source
    ),

    submission_fates as (
        select 'hubspot' as source, 'form_submissions' as entity, is_first_of_person as is_kept, count(*) as records
        from {{ ref("int_form_submission_fates") }}
        where reason_code is null
        group by is_first_of_person
    ),

    people_fates as (
        select records.source, 'people' as entity, clusters.is_leading as is_kept, count(*) as records
        from {{ ref("int_contact_records") }} as records
        inner join {{ ref("int_contact_clusters") }} as clusters on records.record_key = clusters.record_key
        where records.source = 'events'
        group by records.source, clusters.is_leading
    ),

    event_fates as (
        select 'events' as source, 'events' as entity, true as is_kept, count(*) as records
        from {{ ref("int_events") }}
        union all
        select 'events' as source, 'events' as entity, false as is_kept, coalesce(sum(copies - 1), 0) as records
        from
            (
                select message_id, count(*) as copies
                from {{ ref("stg_events__events") }}
                group by message_id
                having count(*) > 1
            ) as repeated
    ),

    spend_fates as (
        select 'ads' as source, 'spend' as entity, true as is_kept, count(*) as records
        from {{ ref("int_ad_spend") }}
        union all
        select 'ads' as source, 'spend' as entity, false as is_kept, count(*) - count(distinct spend_key) as records
        from
            (
                select
                    {{ hash_key(["platform", "account_id", "channel_raw", "campaign", "spend_on", "currency"]) }}
                    as spend_key
                from {{ ref("int_ad_reports") }}
                where quarantine_reason is null
            ) as grains
        union all
        select 'ads' as source, 'campaigns' as entity, true as is_kept, count(*) as records
        from {{ ref("int_ad_campaigns") }}
        union all
        select 'ads' as source, 'campaigns' as entity, false as is_kept, coalesce(sum(versions - 1), 0) as records
        from
            (
                select count(*) as versions from {{ ref("stg_ads__campaigns") }} group by platform, campaign_id
            ) as campaigns
    ),

    enrichment_fates as (
        select 'enrichment' as source, 'companies' as entity, is_newest as is_kept, count(*) as records
        from {{ ref("int_enrichment_companies") }}
        where quarantine_reason is null
        group by is_newest
    ),

    opportunity_fates as (
        select
            source,
            case
                when {{ is_crm("source") }} then {{ raw_name_of("source", "'deals'") }} else 'opportunities'
            end as entity,
            true as is_kept,
            count(*) as records
        from {{ ref("fct_opportunities") }}
        group by source
    ),

    activity_fates as (
        select
            source,
            {{ raw_name_of("source", "activity_type || 's'") }} as entity,
            true as is_kept,
            count(distinct source_record_id) as records
        from {{ ref("fct_sales_activities") }}
        group by 1, 2
    ),

    email_fates as (
        select 'hubspot' as source, 'email_events' as entity, true as is_kept, count(*) as records
        from {{ ref("int_email_touches") }}
        union all
        select 'hubspot' as source, 'email_events' as entity, true as is_kept, count(*) as records
        from {{ ref("stg_hubspot__email_events") }}
        where
            event_type not in ('OPEN', 'CLICK', 'BOUNCE', 'SPAMREPORT')
            and not (event_type = 'STATUSCHANGE' and coalesce(subscription_status, '') = 'UNSUBSCRIBED')
    ),

    {% for entity in ["products", "owners"] %}
        {{ entity }}_fates as (
            select source, '{{ entity }}' as entity, true as is_kept, count(*) as records
            from {{ ref("stg_files__" ~ entity) }}
            group by source
        ),
    {% endfor %}

    fates as (
        select *
        from contact_fates
        union all
        select *
        from account_fates
        union all
        select *
        from submission_fates
        union all
        select *
        from event_fates
        union all
        select *
        from people_fates
        union all
        select *
        from spend_fates
        union all
        select *
        from enrichment_fates
        union all
        select *
        from opportunity_fates
        union all
        select *
        from activity_fates
        union all
        select *
        from email_fates
        union all
        select *
        from products_fates
        union all
        select *
        from owners_fates
    ),

    counted as (
        select source, entity, records as raw_records, 0 as kept, 0 as merged, 0 as quarantined, 0 as erased
        from received
        union all
        select source, entity, records as raw_records, 0 as kept, 0 as merged, 0 as quarantined, 0 as erased
        from refused
        union all
        select
            source,
            entity,
            0 as raw_records,
            case when is_kept then records else 0 end as kept,
            case when is_kept then 0 else records end as merged,
            0 as quarantined,
            0 as erased
        from fates
        union all
        select
            source,
            entity,
            0 as raw_records,
            0 as kept,
            0 as merged,
            case when is_erased then 0 else records end as quarantined,
            case when is_erased then records else 0 end as erased
        from set_aside
        union all
        select source, entity, 0 as raw_records, 0 as kept, 0 as merged, records as quarantined, 0 as erased
        from accounts_without_layer
    ),

    final as (
        select
            source,
            entity,
            cast(sum(raw_records) as bigint) as raw_records,
            cast(sum(kept) as bigint) as kept,
            cast(sum(merged) as bigint) as merged,
            cast(sum(quarantined) as bigint) as quarantined,
            cast(sum(erased) as bigint) as erased
        from counted
        group by source, entity
        having sum(raw_records) + sum(kept) + sum(merged) + sum(quarantined) + sum(erased) > 0
    )

select *
from final
