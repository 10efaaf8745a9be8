{#
    Fields of int_contact_records: name here, SQL expression of the value, status of a value in dim_contacts' terms, status in
    seeds/value_quality.csv.
#}
{%- set record_fields = [
    (
        "email",
        "coalesce(email, email_raw)",
        "email_status",
        "case when email_status = 'valid' and is_free_mail then 'free_mail' else email_status end",
    ),
    ("phone", "coalesce(phone_e164, phone_raw)", "phone_status", "phone_status"),
    ("first_name", "first_name", none, none),
    ("last_name", "last_name", none, none),
    ("job_title", "job_title", none, none),
    ("company_name", "company_name", none, none),
    ("country", "country", none, none),
    ("language", "language", none, none),
    ("city", "place_city", none, none),
    ("state", "place_state", none, none),
    ("lifecycle_stage", "lifecycle_stage", none, none),
    ("lead_status", "lead_status", none, none),
    ("owner_id", "owner_id", none, none),
    ("employee_count", "cast(declared_employee_count as " ~ dbt.type_string() ~ ")", none, none),
    ("annual_revenue", "cast(declared_annual_revenue as " ~ dbt.type_string() ~ ")", none, none),
] -%}
{#- What int_form_declarations reads from the answers, question by question. -#}
{%- set form_fields = ["company_name", "employee_count", "annual_revenue", "city", "state"] -%}

with
    records as (select * from {{ ref("int_contact_records") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    places as (select source, record_id, city, state from {{ ref("int_crm_contacts") }}),

    form_declarations as (select 'hubspot_forms' as source, * from {{ ref("int_form_declarations") }}),

    verified_values as (select * from {{ ref("int_verified_contact_values") }} where problem is null),

    declared_quality as (select * from {{ ref("int_declared_quality") }} where entity = 'contact'),

    impossible_pairs as (select * from {{ ref("int_impossible_pairs") }}),

    -- Most contacts are one record: for them there is nothing to decide.
    sizes as (select contact_id, count(*) as record_count from clusters group by contact_id),

    checked as (select distinct contact_id from verified_values),

    rivalries as (
        select sizes.contact_id, sizes.record_count > 1 or checked.contact_id is not null as has_rivals
        from sizes
        left join checked on sizes.contact_id = checked.contact_id
    ),

    members as (
        select
            clusters.contact_id,
            clusters.is_leading,
            rivalries.has_rivals,
            records.*,
            places.city as place_city,
            places.state as place_state
        from records
        inner join clusters on records.record_key = clusters.record_key
        inner join rivalries on clusters.contact_id = rivalries.contact_id
        left join places on records.source = places.source and records.record_id = places.record_id
    ),

    declared as (
        {% for field, value, status, quality_status in record_fields %}
            select
                contact_id,
                '{{ field }}' as field,
                {{ value }} as value,
                source,
                record_id,
                record_key,
                coalesce(updated_at, created_at) as as_of,
                not is_archived as is_live,
                is_leading,
                has_rivals,
                {{ status or "cast(null as " ~ dbt.type_string() ~ ")" }} as status,
                {{ quality_status or "cast(null as " ~ dbt.type_string() ~ ")" }} as quality_status
            from members
            where {{ value }} is not null {% if field in form_fields %} and source != 'hubspot_forms' {% endif %}
            union all
        {% endfor %}
        select
            members.contact_id,
            form_declarations.field,
            form_declarations.value,
            members.source,
            members.record_id,
            members.record_key,
            form_declarations.as_of,
            not members.is_archived as is_live,
            members.is_leading,
            members.has_rivals,
            cast(null as {{ dbt.type_string() }}) as status,
            cast(null as {{ dbt.type_string() }}) as quality_status
        from form_declarations
        inner join
            members on form_declarations.source = members.source and form_declarations.record_id = members.record_id
    ),

    judged as (
        select declared.*, coalesce(declared_quality.reason_code, impossible_pairs.reason_code) as declared_reason
        from declared
        left join
            declared_quality on declared.field = declared_quality.field and declared.value = declared_quality.value
        left join
            impossible_pairs
            on declared.record_key = impossible_pairs.record_key
            and declared.field = impossible_pairs.field
    ),

    valued as (
        select
            contact_id,
            field,
            value,
            source,
            record_id,
            record_key,
            'declared' as value_source,
            as_of,
            is_live,
            is_leading,
            has_rivals,
            coalesce(status, case when declared_reason is null then 'ok' else 'suspect' end) as value_status,
            coalesce(quality_status, case when declared_reason is null then 'ok' else 'suspect' end) as quality_status,
            case when declared_reason is null then 'ok' else 'suspect' end as declared_quality,
            declared_reason
        from judged
        union all
        select
            contact_id,
            field,
            value,
            source,
            record_id,
            verified_key as record_key,
            'verified' as value_source,
            verified_at as as_of,
            true as is_live,
            false as is_leading,
            true as has_rivals,
            value_status,
            'verified' as quality_status,
            'ok' as declared_quality,
            cast(null as {{ dbt.type_string() }}) as declared_reason
        from verified_values
    ),

    rivals as (select * from valued where has_rivals),

    ranked as (
        {{
            surviving_values(
                "rivals",
                "contact",
                "contact_id",
                ["record_id", "value_status", "declared_quality", "declared_reason"],
            )
        }}
    ),

    final as (
        select
            contact_id,
            field,
            value,
            source,
            record_id,
            record_key,
            value_source,
            as_of,
            true as is_surviving,
            cast(null as {{ dbt.type_string() }}) as lost_because,
            true as agrees,
            value_status,
            declared_quality,
            declared_reason
        from valued
        where not has_rivals
        union all
        select
            contact_id,
            field,
            value,
            source,
            record_id,
            record_key,
            value_source,
            as_of,
            is_surviving,
            lost_because,
            agrees,
            value_status,
            declared_quality,
            declared_reason
        from ranked
    )

select *
from final
