-- Answers given without thought (R18), by seeds/declared_quality_rules.csv: each distinct value once. What is not
-- here is
-- not suspect. How long somebody took to fill a form in is not judged: no source tells it.
with
    contact_records as (select * from {{ ref("int_contact_records") }}),

    places as (select * from {{ ref("int_crm_contacts") }}),

    form_declarations as (select * from {{ ref("int_form_declarations") }}),

    account_records as (select * from {{ ref("int_account_records") }}),

    rules as (select * from {{ ref("declared_quality_rules") }}),

    placeholder_values as (select * from {{ ref("placeholder_values") }}),

    -- The seed calls fields by what they hold.
    listed_fields as (
        {% for field, listed_field in [
            ("first_name", "name"),
            ("last_name", "name"),
            ("job_title", "job_title"),
            ("company_name", "company"),
            ("city", "city"),
            ("name", "company"),
        ] %}
            select '{{ field }}' as field, '{{ listed_field }}' as listed_field {{ "union all" if not loop.last }}
        {% endfor %}
    ),

    placeholders as (
        select distinct listed_fields.field, lower(trim(placeholder_values.value)) as plain_value
        from placeholder_values
        inner join listed_fields on placeholder_values.field in (listed_fields.listed_field, '*')
    ),

    answers as (
        {% for field in ["first_name", "last_name", "job_title", "company_name"] %}
            select 'contact' as entity, '{{ field }}' as field, {{ field }} as value
            from contact_records
            where {{ field }} is not null
            union
        {% endfor %}
        select 'contact' as entity, 'city' as field, city as value
        from places
        where city is not null
        union
        select
            'contact' as entity,
            'employee_count' as field,
            cast(declared_employee_count as {{ dbt.type_string() }}) as value
        from contact_records
        where declared_employee_count is not null
        union
        select
            'contact' as entity,
            'annual_revenue' as field,
            cast(declared_annual_revenue as {{ dbt.type_string() }}) as value
        from contact_records
        where declared_annual_revenue is not null
        union
        select 'contact' as entity, field, value
        from form_declarations
        union
        select 'account' as entity, 'name' as field, name as value
        from account_records
        where name is not null and source != 'contact_domain'
        union
        select 'account' as entity, 'employee_count' as field, cast(employee_count as {{ dbt.type_string() }}) as value
        from account_records
        where employee_count is not null
        union
        select 'account' as entity, 'annual_revenue' as field, cast(annual_revenue as {{ dbt.type_string() }}) as value
        from account_records
        where annual_revenue is not null
    ),

    plain as (
        select
            entity,
            field,
            value,
            -- Amounts have two decimals however they were typed.
            case
                when field = 'annual_revenue' then replace(lower(trim(value)), '.00', '') else lower(trim(value))
            end as plain_value,
            case when field in ('employee_count', 'annual_revenue') then {{ to_decimal("value") }} end as amount
        from answers
    ),

    by_field as (
        select
            part as field, entity, rule_id, kind, pattern, {{ to_decimal("limit_value") }} as limit_value, reason_code
        from {{ split_rows("rules", "fields", "|") }} as listed
    ),

    pattern_rules as (
        select *, row_number() over (partition by entity, field order by rule_id) as rule_number
        from by_field
        where kind = 'pattern'
    ),

    patterns as (
        select entity, field, {{ dbt.listagg("pattern", "chr(31)", "order by rule_number") }} as in_order
        from pattern_rules
        group by entity, field
    ),

    found as (
        select
            plain.entity,
            plain.field,
            plain.value,
            {{ first_match("plain.plain_value", "patterns.in_order") }} as rule_number
        from plain
        inner join patterns on plain.entity = patterns.entity and plain.field = patterns.field
    ),

    suspects as (
        select found.entity, found.field, found.value, pattern_rules.rule_id, pattern_rules.reason_code
        from found
        inner join
            pattern_rules
            on found.entity = pattern_rules.entity
            and found.field = pattern_rules.field
            and found.rule_number = pattern_rules.rule_number
        union all
        select plain.entity, plain.field, plain.value, by_field.rule_id, by_field.reason_code
        from plain
        inner join
            by_field
            on plain.entity = by_field.entity
            and plain.field = by_field.field
            and case
                by_field.kind
                when 'repeated_character'
                then
                    length(plain.plain_value) >= by_field.limit_value
                    and length(replace(plain.plain_value, substr(plain.plain_value, 1, 1), '')) = 0
                when 'below'
                then plain.amount < by_field.limit_value
                when 'above'
                then plain.amount > by_field.limit_value
                else false
            end
        union all
        select plain.entity, plain.field, plain.value, by_field.rule_id, by_field.reason_code
        from plain
        inner join placeholders on plain.field = placeholders.field and plain.plain_value = placeholders.plain_value
        inner join
            by_field on plain.entity = by_field.entity and plain.field = by_field.field and by_field.kind = 'listed'
    ),

    first_reasons as (
        select *, row_number() over (partition by entity, field, value order by rule_id) as place from suspects
    ),

    final as (select entity, field, value, rule_id, reason_code from first_reasons where place = 1)

select *
from final
