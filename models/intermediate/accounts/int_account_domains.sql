-- Which account a domain belongs to: the account whose identifier it is, not a subsidiary that shares it, and none
-- where
-- more companies than the limit bear it (a platform).
with
    identifiers as (select * from {{ ref("int_account_identifiers") }} where identifier_type = 'company_domain'),

    over_limit as (
        select * from {{ ref("int_account_identifiers_over_limit") }} where identifier_type = 'company_domain'
    ),

    clusters as (select * from {{ ref("int_account_clusters") }}),

    records as (select * from {{ ref("int_account_records") }}),

    ranked as (
        select
            identifiers.identifier_value as domain,
            clusters.account_id,
            row_number() over (
                partition by identifiers.identifier_value
                order by
                    case
                        when {{ is_crm("records.source") }} then 0 when records.source = 'contact_domain' then 2 else 1
                    end,
                    case when records.created_at is null then 1 else 0 end,
                    records.created_at,
                    records.source,
                    records.record_id
            ) as choice
        from identifiers
        inner join clusters on identifiers.record_key = clusters.record_key
        inner join records on identifiers.record_key = records.record_key
        left join over_limit on identifiers.identifier_value = over_limit.identifier_value
        where over_limit.identifier_value is null
    ),

    final as (select domain, account_id from ranked where choice = 1)

select *
from final
