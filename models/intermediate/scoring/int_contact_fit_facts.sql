{#
    Attributes go long, so that a rule is a join and a new attribute is a line here, never dynamic SQL. What was checked here
    is verified; the rest has the source and the date of the field it is read from (R20).
#}
{%- set facts = [
    ("buying_role", "nullif(buying_role, 'unknown')", "job_title"),
    ("seniority", "nullif(seniority, 'unknown')", "job_title"),
    ("job_title", "lower(job_title)", "job_title"),
    ("country", "country", "country"),
    ("language", "language", "language"),
    ("capture_method", "capture_method", "verified"),
    ("email_status", "nullif(email_status, 'missing')", "verified"),
    ("email_domain", "email_domain", "email"),
    ("email_domain_kind", "email_domain_kind", "verified"),
    ("domain_relation", "domain_relation", "verified"),
    (
        "is_reachable",
        "case when is_reachable then 'true' when not is_reachable then 'false' end",
        "verified",
    ),
] -%}

with
    dim_contacts as (select * from {{ ref("dim_contacts") }}),
    free_mail as (select distinct lower(domain) as domain from {{ ref("free_mail_domains") }}),
    domain_relations as (select * from {{ ref("int_domain_relations") }}),
    fields as (
        select contact_id, field, value_source, as_of
        from {{ ref("int_contact_attributes") }}
        where is_surviving and field in ('job_title', 'country', 'language', 'email')
    ),

    contacts as (
        select
            dim_contacts.*,
            domain_relations.domain as email_domain,
            domain_relations.domain_relation,
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
        left join domain_relations on {{ dbt.split_part("dim_contacts.email", "'@'", 2) }} = domain_relations.domain_raw
    ),

    facts as (
        {% for attribute, value, read_from in facts %}
            select contact_id, '{{ attribute }}' as attribute, {{ value }} as value, '{{ read_from }}' as read_from
            from contacts
            where {{ value }} is not null
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    final as (
        select
            facts.contact_id,
            facts.attribute,
            facts.value,
            case
                when facts.read_from = 'verified' then 'verified' else coalesce(fields.value_source, 'declared')
            end as value_source,
            fields.as_of as stated_at
        from facts
        left join fields on facts.contact_id = fields.contact_id and facts.read_from = fields.field
    )

select *
from final
