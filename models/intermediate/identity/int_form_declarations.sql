-- What people write about their company in forms: the newest answer to each question, whichever form it stood
-- in. A later form that does not ask does not take an answer back.
with
    submissions as (
        select
            lower(email_raw) as record_id,
            submission_id,
            submitted_at,
            {{ blank_to_null(json_text("answers", "company")) }} as company_name,
            {{ blank_to_null(json_text("answers", "numemployees")) }} as employee_count,
            {{ blank_to_null(json_text("answers", "annualrevenue")) }} as annual_revenue,
            {{ blank_to_null(json_text("answers", "city")) }} as city,
            {{ blank_to_null(json_text("answers", "state")) }} as state
        from {{ ref("stg_hubspot__form_submissions") }}
        where email_raw is not null and answers is not null
    ),

    answers as (
        {% for field in ["company_name", "employee_count", "annual_revenue", "city", "state"] %}
            select record_id, submission_id, submitted_at, '{{ field }}' as field, {{ field }} as answer
            from submissions
            where {{ field }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    readable as (
        select
            record_id,
            submission_id,
            submitted_at,
            field,
            -- A number that cannot be read ("about 50") is no answer to compare or to score.
            case
                field
                when 'employee_count'
                then cast(cast({{ to_decimal("answer", 0) }} as bigint) as {{ dbt.type_string() }})
                when 'annual_revenue'
                then cast({{ to_decimal("answer", 2) }} as {{ dbt.type_string() }})
                else answer
            end as value
        from answers
    ),

    ranked as (
        select *, row_number() over (partition by record_id, field order by submitted_at desc, submission_id) as recency
        from readable
        where value is not null
    ),

    final as (select record_id, field, value, submitted_at as as_of from ranked where recency = 1)

select *
from final
