with
    records as (select * from {{ ref("int_contact_records") }}),

    clusters as (select * from {{ ref("int_contact_clusters") }}),

    members as (
        select clusters.contact_id, records.*, case when records.is_archived then 5 else 0 end as archive_penalty
        from records
        inner join clusters on records.record_key = clusters.record_key
    ),

    valued as (
        {% set fields = [
            (
                "email",
                "coalesce(email, email_raw)",
                "case email_status when 'valid' then 0 when 'role' then 1 when 'disposable' then 2 else 9 end",
            ),
            (
                "phone",
                "coalesce(phone_e164, phone_raw)",
                "case phone_status when 'valid' then 0 when 'possible' then 1 else 9 end",
            ),
            ("first_name", "first_name", "0"),
            ("last_name", "last_name", "0"),
            ("job_title", "job_title", "0"),
            ("company_name", "company_name", "0"),
            ("country", "country", "0"),
            ("language", "language", "0"),
            ("lifecycle_stage", "lifecycle_stage", "0"),
            ("lead_status", "lead_status", "0"),
            ("owner_id", "owner_id", "0"),
            ("employee_count", "cast(declared_employee_count as " ~ dbt.type_string() ~ ")", "0"),
            ("annual_revenue", "cast(declared_annual_revenue as " ~ dbt.type_string() ~ ")", "0"),
        ] %}
        {% for field, value, quality in fields %}
            select
                contact_id,
                '{{ field }}' as field,
                {{ value }} as value,
                source,
                record_id,
                record_key,
                'declared' as value_source,
                coalesce(updated_at, created_at) as as_of,
                {{ quality }} + archive_penalty as quality
            from members
            where {{ value }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    ranked as ({{ surviving_values("valued", "contact", "contact_id") }}),

    final as (
        select contact_id, field, value, source, record_id, record_key, value_source, as_of, is_surviving from ranked
    )

select *
from final
