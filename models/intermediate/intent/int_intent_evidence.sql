-- Every record that some rule of intent_rules.csv could take for an expression of intent.
with
    rules as (select * from {{ ref("intent_rules") }}),
    touches as (
        select * from {{ ref("fct_touches") }} where contact_id is not null and not coalesce(is_machine, false)
    ),
    activities as (
        select *
        from {{ ref("fct_sales_activities") }}
        where contact_id is not null and not coalesce(is_automated, false)
    ),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),
    bant_facts as (select * from {{ ref("fct_bant_facts") }}),
    statements as (select * from {{ ref("int_stated_values") }}),

    touch_rules as (select * from rules where evidence_kind = 'touch'),

    deal_people as (
        select opportunity_id, contact_id
        from opportunity_contacts
        union
        select opportunity_id, contact_id
        from opportunities
        where contact_id is not null
    ),

    evidence as (
        -- Touches are many: only the types that some rule names are looked at.
        select
            contact_id,
            'touch' as evidence_kind,
            touch_type as evidence_value,
            signal_detail as evidence_detail,
            content as stated_value,
            cast(null as {{ dbt.type_string() }}) as value_key,
            touch_at as evidence_at,
            source,
            source_record_id
        from touches
        where touch_type in (select lower(part) from {{ split_rows("touch_rules", "evidence_values", "|") }} as parts)

        union all

        select
            contact_id,
            'sales_activity' as evidence_kind,
            -- What the person wrote is not work done by sales.
            case
                when activity_type = 'email' and direction = 'inbound' then 'email_reply' else activity_type
            end as evidence_value,
            outcome as evidence_detail,
            title as stated_value,
            cast(null as {{ dbt.type_string() }}) as value_key,
            activity_at as evidence_at,
            source,
            source_record_id
        from activities

        union all

        -- Saying yes to a date is older than the date. A meeting noted after it took place was not booked here.
        select
            contact_id,
            'sales_activity' as evidence_kind,
            'meeting_booked' as evidence_value,
            outcome as evidence_detail,
            title as stated_value,
            cast(null as {{ dbt.type_string() }}) as value_key,
            created_at as evidence_at,
            source,
            source_record_id
        from activities
        where activity_type = 'meeting' and created_at <= activity_at

        union all

        select
            deal_people.contact_id,
            'opportunity' as evidence_kind,
            'created' as evidence_value,
            opportunities.pipeline as evidence_detail,
            opportunities.name as stated_value,
            cast(null as {{ dbt.type_string() }}) as value_key,
            opportunities.created_at as evidence_at,
            opportunities.source,
            opportunities.source_record_id
        from opportunities
        inner join deal_people on opportunities.opportunity_id = deal_people.opportunity_id

        union all

        select
            contact_id,
            'bant' as evidence_kind,
            dimension as evidence_value,
            source_kind as evidence_detail,
            value as stated_value,
            cast(null as {{ dbt.type_string() }}) as value_key,
            stated_at as evidence_at,
            source,
            source_record_id
        from bant_facts

        union all

        select
            contact_id,
            source_kind as evidence_kind,
            field as evidence_value,
            form_kind as evidence_detail,
            value as stated_value,
            value_key,
            stated_at as evidence_at,
            source,
            source_record_id
        from statements
        where source_kind in ('form_answer', 'contact_property')
    ),

    final as (
        select
            contact_id,
            evidence_kind,
            evidence_value,
            evidence_detail,
            stated_value,
            coalesce(value_key, '') as value_key,
            evidence_at,
            source,
            source_record_id
        from evidence
        where evidence_at <= {{ as_of() }}
    )

select *
from final
