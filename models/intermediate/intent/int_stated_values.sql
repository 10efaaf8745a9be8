-- What people stated, or sales noted of them, that some rule asks for: answers of forms, properties of the CRM's
-- contact
-- with their history, fields of deals.
with
    bant_rules as (select * from {{ ref("bant_rules") }}),
    intent_rules as (select * from {{ ref("intent_rules") }}),
    request_groups as (select * from {{ ref("request_groups") }}),
    form_touches as (select * from {{ ref("int_form_touches") }}),
    submissions as (select * from {{ ref("stg_hubspot__form_submissions") }} where answers is not null),
    contact_records as (select * from {{ ref("int_crm_contacts") }} where properties is not null),
    property_history as (
        select * from {{ ref("int_crm_property_history") }} where object_type = 'contacts' and not is_own_write
    ),
    records as (select * from {{ ref("int_contact_inputs") }} where {{ is_crm("source") }}),
    crm_ids as (select * from {{ ref("int_contact_crm_ids") }}),
    opportunities as (select * from {{ ref("fct_opportunities") }}),
    opportunity_contacts as (select * from {{ ref("int_opportunity_contacts") }}),

    -- Only fields that some rule names are read at all.
    asked as (
        select source_kind, field
        from bant_rules
        union
        select evidence_kind as source_kind, part as field
        from {{ split_rows("intent_rules", "evidence_values", "|") }} as listed
        where evidence_kind in ('form_answer', 'contact_property')
        union
        select 'form_answer' as source_kind, answer_field as field
        from request_groups
        where answer_field is not null
    ),

    answers as (
        select
            'form_answer' as source_kind,
            'hubspot_forms' as source,
            submissions.submission_id as source_record_id,
            form_touches.contact_id,
            form_touches.signal_detail as form_kind,
            asked.field,
            {{ blank_to_null(json_field("submissions.answers", "asked.field")) }} as value,
            form_touches.touch_at as stated_at
        from submissions
        inner join form_touches on submissions.submission_id = form_touches.submission_id
        inner join
            asked
            on asked.source_kind = 'form_answer'
            and {{ dbt.position("'\"' || asked.field || '\"'", "submissions.answers") }} > 0
    ),

    changes as (
        select
            property_history.source,
            property_history.object_id,
            asked.field,
            property_history.changed_at as stated_at,
            {{ blank_to_null("property_history.value") }} as value
        from property_history
        inner join asked on asked.source_kind = 'contact_property' and property_history.property = asked.field
    ),

    -- A property without a history is dated by the record: by the last change of a property whose history is read, not
    -- by the CRM's own moment of modification, which our writes move.
    undated as (
        select
            contact_records.source,
            contact_records.record_id as object_id,
            asked.field,
            coalesce(records.updated_at, contact_records.created_at) as stated_at,
            {{ blank_to_null(json_field("contact_records.properties", "asked.field")) }} as value
        from contact_records
        inner join
            asked
            on asked.source_kind = 'contact_property'
            and {{ dbt.position("'\"' || asked.field || '\"'", "contact_records.properties") }} > 0
        left join records on contact_records.source = records.source and contact_records.record_id = records.record_id
        left join
            (select distinct source, object_id, field from changes) as dated
            on contact_records.source = dated.source
            and contact_records.record_id = dated.object_id
            and asked.field = dated.field
        where dated.object_id is null
    ),

    properties as (
        select
            'contact_property' as source_kind,
            noted.source,
            noted.object_id as source_record_id,
            crm_ids.contact_id,
            cast(null as {{ dbt.type_string() }}) as form_kind,
            noted.field,
            noted.value,
            noted.stated_at
        from
            (
                select *
                from changes
                union all
                select *
                from undated
            ) as noted
        inner join crm_ids on noted.source = crm_ids.source and noted.object_id = crm_ids.record_id
    ),

    deal_people as (
        select opportunity_id, contact_id
        from opportunity_contacts
        union
        select opportunity_id, contact_id
        from opportunities
        where contact_id is not null
    ),

    -- The CRM keeps no date of these fields: they are dated by the deal's creation.
    deal_fields as (
        select
            'deal_field' as source_kind,
            opportunities.source,
            opportunities.source_record_id,
            deal_people.contact_id,
            cast(null as {{ dbt.type_string() }}) as form_kind,
            asked.field,
            case
                asked.field
                when 'amount'
                then cast(opportunities.amount as {{ dbt.type_string() }}) || ' ' || opportunities.currency
                when 'expected_close_at'
                then cast(cast(opportunities.expected_close_at as date) as {{ dbt.type_string() }})
                when 'product'
                then opportunities.product
            end as value,
            opportunities.created_at as stated_at
        from opportunities
        inner join deal_people on opportunities.opportunity_id = deal_people.opportunity_id
        inner join asked on asked.source_kind = 'deal_field'
    ),

    stated as (
        select *
        from answers
        union all
        select *
        from properties
        union all
        select *
        from deal_fields
    ),

    -- Two notes of one moment are one; which of them must not depend on chance.
    single as (
        select
            source_kind,
            source,
            source_record_id,
            contact_id,
            field,
            stated_at,
            max(form_kind) as form_kind,
            max(value) as value
        from stated
        where value is not null and stated_at <= {{ as_of() }}
        group by source_kind, source, source_record_id, contact_id, field, stated_at
    ),

    -- The key stands alone: inside coalesce or case the engine reads the function's text after it was freed.
    keys as (
        select value, {{ words_key("value") }} as value_key from (select distinct value from single) as known_values
    ),

    final as (
        select
            single.source_kind,
            single.source,
            single.source_record_id,
            single.contact_id,
            single.form_kind,
            single.field,
            single.value,
            keys.value_key,
            single.stated_at
        from single
        inner join keys on single.value = keys.value
        -- Without a single word nothing is stated.
        where keys.value_key is not null
    )

select *
from final
