{#
    One row per live HubSpot contact record that HubSpot associates with no company, and whose contact's account is in HubSpot and is
    sure enough (crm_link_settings). It leads to the account's leading company record. Once the association is read back, the row is
    gone: the model says what is missing, not what is there.
#}
with
    hubspot_records as (select * from {{ ref("int_contact_crm_records") }} where source = 'hubspot'),

    contact_accounts as (
        select *
        from {{ ref("int_contact_accounts") }}
        where confidence >= {{ setting("contact_company_min_confidence", "crm_link_settings") }}
    ),

    accounts as (select * from {{ ref("dim_accounts") }} where hubspot_record_id is not null),

    associations as (select * from {{ ref("observed_hubspot_associations") }}),

    -- Either end may have been read.
    associated as (
        select from_id as record_id
        from associations
        where from_object = 'contacts' and to_object = 'companies'

        union

        select to_id as record_id
        from associations
        where from_object = 'companies' and to_object = 'contacts'
    ),

    final as (
        select
            hubspot_records.record_id as sync_key,
            hubspot_records.record_id as contact_record_id,
            accounts.hubspot_record_id as company_record_id,
            hubspot_records.contact_id,
            accounts.account_id,
            contact_accounts.match_method,
            contact_accounts.matched_value,
            contact_accounts.confidence
        from hubspot_records
        inner join contact_accounts on hubspot_records.contact_id = contact_accounts.contact_id
        inner join accounts on contact_accounts.account_id = accounts.account_id
        left join associated on hubspot_records.record_id = associated.record_id
        where associated.record_id is null
    )

select *
from final
