-- Every address as typed, once, with what the library says of its syntax. Reading one costs Python time: what the last
-- build read by the same code is taken over.
{% set parsed = [
    "email",
    "email_canonical",
    "email_domain",
    "syntax_status",
    "syntax_reason",
    "syntax_detail",
    "repaired_email",
    "parsed_by",
] %}
with
    typed as (
        select email_raw
        from {{ ref("int_crm_contacts") }}
        union
        select part as email_raw
        from {{ split_rows(ref("int_crm_contacts"), "additional_emails_raw") }} as additional
        union
        select email_raw
        from {{ ref("stg_hubspot__form_submissions") }}
        union
        select email_raw
        from {{ ref("stg_hubspot__email_events") }}
        union
        select email_raw
        from {{ ref("stg_events__events") }}
        union
        select email_raw
        from {{ ref("stg_files__contacts") }}
    ),

    {% if has_last_build(["email_raw"] + parsed) %}
        known as (
            select
                last_build.email_raw,
                {% for column in parsed %} last_build.{{ column }}{{ "," if not loop.last }}{% endfor %}
            from typed
            inner join {{ this }} as last_build on typed.email_raw = last_build.email_raw
            where last_build.parsed_by = {{ hygiene_version() }}
        ),

        unread as (
            select typed.email_raw
            from typed
            left join known on typed.email_raw = known.email_raw
            where typed.email_raw is not null and known.email_raw is null
        ),
    {% else %} unread as (select email_raw from typed where email_raw is not null),
    {% endif %}

    read_now as (select email_raw, {{ clean_email("email_raw") }} as parts from unread),

    final as (
        select
            email_raw,
            {{ hygiene_part("parts", 1) }} as email,
            {{ hygiene_part("parts", 2) }} as email_canonical,
            {{ hygiene_part("parts", 3) }} as email_domain,
            {{ hygiene_part("parts", 4) }} as syntax_status,
            {{ hygiene_part("parts", 5) }} as syntax_reason,
            {{ hygiene_part("parts", 6) }} as syntax_detail,
            {{ hygiene_part("parts", 7) }} as repaired_email,
            {{ hygiene_version() }} as parsed_by
        from read_now
        {% if has_last_build(["email_raw"] + parsed) %}
            union all
            select email_raw, {% for column in parsed %} {{ column }}{{ "," if not loop.last }}{% endfor %}
            from known
        {% endif %}
    )

select *
from final
