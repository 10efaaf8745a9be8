-- Account records without a domain, and the one of the same name and country that each belongs to, if that is clear:
-- several domains among the bearers of the name are several companies, and then none is chosen.
with
    records as (select * from {{ ref("int_crm_account_records") }} where company_key is not null),

    names as (select distinct company_key from {{ ref("int_clean_company_names") }} where not is_no_company),

    subsidiaries as (select * from {{ ref("int_account_shared_domains") }}),

    tree as (select * from {{ ref("int_account_record_tree") }}),

    named as (
        select
            records.record_key,
            records.source,
            records.record_id,
            records.created_at,
            records.domain,
            subsidiaries.record_key is not null as is_subsidiary,
            tree.root,
            tree.parent,
            records.company_key || '|' || coalesce(records.country, '') as name_key
        from records
        inner join names on records.company_key = names.company_key
        left join subsidiaries on records.record_key = subsidiaries.record_key and records.domain = subsidiaries.domain
        left join tree on records.record_key = tree.node
        -- A CRM's company without a country says too little; a mapping file may have none at all.
        where
            (records.country is not null or not {{ is_crm("records.source") }})
            and length(records.company_key) >= {{ setting("name_country_min_characters", "account_match_settings") }}
    ),

    bearers as (
        select
            name_key,
            case when count(distinct case when not is_subsidiary then domain end) > 0 then 1 else 0 end as has_domain,
            count(distinct case when not is_subsidiary then domain end) as domain_count,
            count(*) as record_count
        from named
        group by name_key
    ),

    -- The oldest of those that a record without a domain may join.
    anchors as (
        select
            named.name_key,
            named.record_key,
            named.root,
            named.parent,
            row_number() over (
                partition by named.name_key
                order by
                    case when {{ is_crm("named.source") }} then 0 else 1 end,
                    case when named.created_at is null then 1 else 0 end,
                    named.created_at,
                    named.source,
                    named.record_id
            ) as choice
        from named
        inner join bearers on named.name_key = bearers.name_key
        where not named.is_subsidiary and (bearers.has_domain = 0 or named.domain is not null)
    ),

    lone as (
        select
            named.record_key,
            named.name_key,
            bearers.domain_count,
            bearers.record_count,
            anchors.record_key as twin_key,
            -- Parent and child of one name are two companies on purpose.
            coalesce(named.root = anchors.root, false)
            and coalesce(named.parent, '') != coalesce(anchors.parent, '') as is_relative
        from named
        inner join bearers on named.name_key = bearers.name_key
        inner join anchors on named.name_key = anchors.name_key and anchors.choice = 1
        where named.domain is null and bearers.record_count > 1 and named.record_key != anchors.record_key
    ),

    -- Two records of one subsidiary that share the parent's domain.
    siblings as (
        select
            record_key,
            name_key,
            first_value(record_key) over (
                partition by name_key, domain, parent
                order by case when created_at is null then 1 else 0 end, created_at, source, record_id
            ) as twin_key
        from named
        where is_subsidiary
    ),

    limits as (select * from {{ ref("identifier_rules") }} where identifier_type = 'company_name_country'),

    final as (
        select
            lone.record_key,
            case when limits.identifier_type is not null and lone.domain_count <= 1 then lone.twin_key end as twin_key,
            lone.name_key,
            lone.domain_count,
            case
                when limits.identifier_type is null
                then 'too_many_records'
                when lone.domain_count > 1
                then 'several_domains'
            end as undecided_because
        from lone
        left join
            limits on limits.is_trusted and (limits.max_records is null or lone.record_count <= limits.max_records)
        where not lone.is_relative
        union all
        select
            record_key,
            twin_key,
            name_key,
            cast(1 as bigint) as domain_count,
            cast(null as {{ dbt.type_string() }}) as undecided_because
        from siblings
        where record_key != twin_key
    )

select *
from final
