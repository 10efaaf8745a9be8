{%- set fields = [
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("job_title", "job_title"),
    ("company_name", "company_name"),
    ("employee_count", "cast(declared_employee_count as " ~ dbt.type_string() ~ ")"),
    ("annual_revenue", "cast(declared_annual_revenue as " ~ dbt.type_string() ~ ")"),
] -%}
-- Answers of one record that cannot both be true, or that repeat each other (R18, seeds/declared_quality_rules.csv).
with
    rules as (select * from {{ ref("declared_quality_rules") }} where kind in ('same_as', 'ratio_above')),

    contact_records as (select * from {{ ref("int_contact_records") }}),

    form_declarations as (select * from {{ ref("int_form_declarations") }}),

    account_records as (select * from {{ ref("int_account_records") }}),

    by_field as (select *, part as field from {{ split_rows("rules", "fields", "|") }} as listed),

    asked as (
        select entity, field
        from by_field
        union
        select entity, other_field as field
        from by_field
    ),

    answers as (
        {% for field, value in fields %}
            select 'contact' as entity, record_key, '{{ field }}' as field, {{ value }} as value
            from contact_records
            where
                {{ value }} is not null
                and (
                    source != 'hubspot_forms'
                    or '{{ field }}' not in ('company_name', 'employee_count', 'annual_revenue')
                )
            union all
        {% endfor %}
        select 'contact' as entity, contact_records.record_key, form_declarations.field, form_declarations.value
        from form_declarations
        inner join
            contact_records
            on contact_records.source = 'hubspot_forms'
            and form_declarations.record_id = contact_records.record_id
        {% for field in ["employee_count", "annual_revenue"] %}
            union all
            select
                'account' as entity,
                record_key,
                '{{ field }}' as field,
                cast({{ field }} as {{ dbt.type_string() }}) as value
            from account_records
            where {{ field }} is not null
        {% endfor %}
    ),

    relevant as (
        select answers.* from answers inner join asked on answers.entity = asked.entity and answers.field = asked.field
    ),

    impossible as (
        select one.entity, one.record_key, one.field, by_field.other_field, by_field.kind, by_field.reason_code
        from relevant as one
        inner join by_field on one.entity = by_field.entity and one.field = by_field.field
        inner join relevant as other on one.record_key = other.record_key and by_field.other_field = other.field
        where
            case
                by_field.kind
                when 'same_as'
                then lower(one.value) = lower(other.value)
                when 'ratio_above'
                then
                    cast({{ to_decimal("one.value") }} as double)
                    > cast({{ to_decimal("by_field.limit_value") }} as double)
                    * cast({{ to_decimal("other.value") }} as double)
                else false
            end
    ),

    -- Of two answers that cannot both be true nobody knows which one is.
    either as (
        select entity, record_key, field, reason_code
        from impossible
        union all
        select entity, record_key, other_field as field, reason_code
        from impossible
        where kind = 'ratio_above'
    ),

    final as (
        select entity, record_key, field, min(reason_code) as reason_code from either group by entity, record_key, field
    )

select *
from final
