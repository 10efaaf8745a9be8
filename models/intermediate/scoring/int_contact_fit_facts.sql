{#
    Attributes go long, so that a rule is a join and a new attribute is a line here, never dynamic SQL. What a person says
    of themselves is declared; what was checked here is verified (R20).
#}
{%- set facts = [
    ("buying_role", "nullif(buying_role, 'unknown')", "declared"),
    ("seniority", "nullif(seniority, 'unknown')", "declared"),
    ("job_title", "lower(job_title)", "declared"),
    ("country", "country", "declared"),
    ("language", "language", "declared"),
    ("capture_method", "capture_method", "verified"),
    ("email_status", "nullif(email_status, 'missing')", "verified"),
    ("email_domain_kind", "email_domain_kind", "verified"),
    (
        "is_reachable",
        "case when is_reachable then 'true' when not is_reachable then 'false' end",
        "verified",
    ),
] -%}

with
    dim_contacts as (select * from {{ ref("dim_contacts") }}),
    free_mail as (select distinct lower(domain) as domain from {{ ref("free_mail_domains") }}),

    contacts as (
        select
            dim_contacts.*,
            -- A throw-away address is no company's.
            case
                when dim_contacts.email is null
                then null
                when dim_contacts.email_status = 'disposable'
                then 'disposable'
                when free_mail.domain is null
                then 'business'
                else 'free'
            end as email_domain_kind
        from dim_contacts
        left join free_mail on {{ dbt.split_part("dim_contacts.email", "'@'", 2) }} = free_mail.domain
    ),

    facts as (
        {% for attribute, value, value_source in facts %}
            select
                contact_id, '{{ attribute }}' as attribute, {{ value }} as value, '{{ value_source }}' as value_source
            from contacts
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    final as (select contact_id, attribute, value, value_source from facts where value is not null)

select *
from final
