-- What is known of an account when one of several is chosen for a contact: its age, whether a CRM or a mapping file
-- has it, whether a deal is open with it.
with
    clusters as (select * from {{ ref("int_account_clusters") }}),

    records as (select * from {{ ref("int_account_records") }}),

    record_ids as (select * from {{ ref("int_account_record_ids") }}),

    associations as (
        select * from {{ ref("int_record_associations") }} where from_object = 'deals' and to_object = 'companies'
    ),

    opportunities as (select * from {{ ref("int_opportunity_records") }} where not is_archived),

    stage_kinds as (select * from {{ ref("int_stage_kinds") }}),

    open_opportunities as (
        select opportunities.source, opportunities.record_id, opportunities.account_ref
        from opportunities
        inner join
            stage_kinds
            on opportunities.source = stage_kinds.source
            and opportunities.stage = stage_kinds.stage
            and (
                opportunities.pipeline = stage_kinds.pipeline
                or (opportunities.pipeline is null and stage_kinds.pipeline is null)
            )
        where stage_kinds.stage_kind = 'open'
    ),

    open_accounts as (
        select clusters.account_id
        from open_opportunities
        inner join
            associations
            on open_opportunities.record_id = associations.from_id
            and open_opportunities.source = associations.source
        inner join record_ids on associations.to_id = record_ids.record_id and associations.source = record_ids.source
        inner join clusters on record_ids.record_key = clusters.record_key
        union
        select clusters.account_id
        from open_opportunities
        inner join
            record_ids
            on open_opportunities.source = record_ids.source
            and open_opportunities.account_ref = record_ids.record_id
        inner join clusters on record_ids.record_key = clusters.record_key
    ),

    members as (
        select
            clusters.account_id,
            min(records.created_at) as created_at,
            max(case when records.source = 'contact_domain' then 0 else 1 end) as is_in_crm,
            min(case when records.is_archived then 1 else 0 end) as is_archived
        from clusters
        inner join records on clusters.record_key = records.record_key
        group by clusters.account_id
    ),

    final as (
        select
            members.account_id,
            members.created_at,
            members.is_in_crm = 1 as is_in_crm,
            members.is_archived = 1 as is_archived,
            open_accounts.account_id is not null as has_open_deal
        from members
        left join open_accounts on members.account_id = open_accounts.account_id
    )

select *
from final
