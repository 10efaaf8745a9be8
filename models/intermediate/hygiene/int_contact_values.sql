{{ config(materialized="view") }}

-- Every value of every contact record as it came and as it was understood (R6): raw, clean, status, reason, source,
-- as-of.
{% set fields = [
    (
        "email",
        "records.email_raw",
        "cleaned.email",
        "cleaned.email_status",
        "cleaned.email_reason",
        "cleaned.suggested_email",
    ),
    (
        "phone",
        "records.phone_raw",
        "cleaned.phone_e164",
        "cleaned.phone_status",
        "cleaned.phone_reason",
        "null",
    ),
    (
        "first_name",
        "records.first_name_raw",
        "cleaned.name",
        "case when swapped.record_key is not null then 'suspect' else cleaned.name_status end",
        "case when swapped.record_key is not null then 'maybe_swapped' else cleaned.name_reason end",
        "swapped.last_name",
    ),
    (
        "last_name",
        "records.last_name_raw",
        "cleaned.name",
        "case when swapped.record_key is not null then 'suspect' else cleaned.name_status end",
        "case when swapped.record_key is not null then 'maybe_swapped' else cleaned.name_reason end",
        "swapped.first_name",
    ),
    (
        "company",
        "records.company_name",
        "cleaned.name",
        "cleaned.company_status",
        "cleaned.company_reason",
        "null",
    ),
    (
        "country",
        "records.country_raw",
        "cleaned.country_code",
        "cleaned.country_status",
        "cleaned.country_reason",
        "null",
    ),
    (
        "language",
        "records.language",
        "cleaned.language_code",
        "cleaned.language_status",
        "cleaned.language_reason",
        "null",
    ),
    (
        "job_title",
        "records.job_title",
        "cleaned.job_title",
        "cleaned.title_status",
        "cleaned.title_reason",
        "null",
    ),
] %}
with
    records as (select * from {{ ref("int_contact_records") }}),

    email_values as (select email_raw as value_raw, * from {{ ref("int_clean_emails") }}),

    phone_values as (select phone_raw as value_raw, * from {{ ref("int_clean_phones") }}),

    name_values as (select name_raw as value_raw, * from {{ ref("int_clean_names") }}),

    company_values as (select name_raw as value_raw, * from {{ ref("int_clean_companies") }}),

    country_values as (select country_raw as value_raw, * from {{ ref("int_clean_countries") }}),

    language_values as (select language_raw as value_raw, * from {{ ref("int_clean_languages") }}),

    swapped as (select * from {{ ref("int_swapped_names") }}),

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'job_title'),

    job_title_values as (
        select
            titles.job_title as value_raw,
            case
                when placeholders.value_key is null and titles.title_key is not null then titles.job_title
            end as job_title,
            case
                when placeholders.value_key is not null
                then 'placeholder'
                when titles.title_key is null
                then 'invalid'
                else 'valid'
            end as title_status,
            case
                when placeholders.value_key is not null
                then 'placeholder'
                when titles.title_key is null
                then 'no_letters'
            end as title_reason
        from {{ ref("int_job_titles") }} as titles
        left join placeholders on lower(titles.job_title) = placeholders.value_key
    ),

    final as (
        {% for field, raw, clean, status, reason, suggested in fields %}
            select
                records.record_key,
                records.source,
                records.record_id,
                records.capture_method,
                '{{ field }}' as field,
                {{ raw }} as raw,
                {{ clean }} as clean,
                coalesce({{ status }}, 'missing') as status,
                case when {{ raw }} is null then 'missing' else {{ reason }} end as reason,
                cast({{ suggested }} as {{ dbt.type_string() }}) as suggested,
                records.updated_at as as_of
            from records
            left join
                {{ field | replace("first_name", "name") | replace("last_name", "name") }}_values as cleaned
                on {{ raw }} = cleaned.value_raw
                {% if field == "phone" %} and coalesce(records.country, '') = cleaned.country_code {% endif %}
            {% if field in ("first_name", "last_name") %}
                left join swapped on records.record_key = swapped.record_key
            {% endif %}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select *
from final
