-- What people decided about whose contact is whose (seeds/account_decisions.csv), with the contact and the account that
-- the decision is about now. A decision names source records, so it holds whatever the ids of contact and account are.
with
    decisions as (select * from {{ ref("account_decisions") }}),

    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    contact_clusters as (select * from {{ ref("int_contact_clusters") }}),

    account_record_ids as (select * from {{ ref("int_account_record_ids") }}),

    account_clusters as (select * from {{ ref("int_account_clusters") }}),

    account_domains as (select * from {{ ref("int_account_domains") }}),

    contact_ids as (
        select source, record_id, contact_id
        from crm_ids
        union all
        select contact_records.source, contact_records.record_id, contact_clusters.contact_id
        from contact_records
        inner join contact_clusters on contact_records.record_key = contact_clusters.record_key
        where not {{ is_crm("contact_records.source") }}
    ),

    -- A merged record's id may still have a record of its own: both are in one account.
    account_ids as (
        select account_record_ids.source, account_record_ids.record_id, min(account_clusters.account_id) as account_id
        from account_record_ids
        inner join account_clusters on account_record_ids.record_key = account_clusters.record_key
        group by account_record_ids.source, account_record_ids.record_id
        union all
        select 'domain' as source, domain as record_id, account_id
        from account_domains
    ),

    final as (
        select
            {{
                hash_key(
                    [
                        "decisions.contact_source",
                        "decisions.contact_record_id",
                        "decisions.account_source",
                        "decisions.account_record_id",
                    ]
                )
            }} as decision_id,
            decisions.decision,
            decisions.contact_source,
            decisions.contact_record_id,
            decisions.account_source,
            decisions.account_record_id,
            decisions.decided_by,
            decisions.decided_on,
            decisions.reason,
            contact_ids.contact_id,
            account_ids.account_id,
            case
                when contact_ids.contact_id is null
                then 'unknown_contact'
                when account_ids.account_id is null
                then 'unknown_account'
            end as no_effect_because
        from decisions
        left join
            contact_ids
            on decisions.contact_source = contact_ids.source
            and decisions.contact_record_id = contact_ids.record_id
        left join
            account_ids
            on decisions.account_source = account_ids.source
            and decisions.account_record_id = account_ids.record_id
    )

select *
from final
