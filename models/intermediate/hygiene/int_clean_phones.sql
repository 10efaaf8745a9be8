-- Every number as typed, once per country it stands with. Reading one costs Python time: a number in international form
-- is read once whatever the record's country, and what the last build read by the same code is taken over.
{% set parsed = ["plan_country", "phone_e164", "parsed_status", "parsed_reason", "phone_type", "parsed_by"] %}
with
    country_aliases as (select * from {{ ref("country_aliases") }}),

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'phone'),

    typed as (
        select phone_raw, country_raw
        from {{ ref("int_crm_contacts") }}
        union
        select phone_raw, country_raw
        from {{ ref("stg_files__contacts") }}
        union
        select phone_raw, null as country_raw
        from {{ ref("int_event_people") }}
        union
        select phone_raw, null as country_raw
        from {{ ref("int_form_people") }}
    ),

    located as (
        select distinct
            typed.phone_raw,
            coalesce(country_aliases.country_code, '') as country_code,
            case
                when typed.phone_raw like '+%' or typed.phone_raw like '00%'
                then ''
                else coalesce(country_aliases.country_code, '')
            end as plan_country
        from typed
        left join country_aliases on lower(typed.country_raw) = country_aliases.alias
        where typed.phone_raw is not null
    ),

    plans as (select distinct phone_raw, plan_country from located),

    {% if has_last_build(["phone_raw"] + parsed) %}
        known as (
            select distinct
                last_build.phone_raw,
                last_build.plan_country,
                last_build.phone_e164,
                last_build.parsed_status,
                last_build.parsed_reason,
                last_build.phone_type,
                last_build.parsed_by
            from {{ this }} as last_build
            where last_build.parsed_by = {{ hygiene_version() }}
        ),

        unread as (
            select plans.phone_raw, plans.plan_country
            from plans
            left join known on plans.phone_raw = known.phone_raw and plans.plan_country = known.plan_country
            where known.phone_raw is null
        ),
    {% else %} unread as (select phone_raw, plan_country from plans),
    {% endif %}

    read_now as (select phone_raw, plan_country, {{ clean_phone("phone_raw", "plan_country") }} as parts from unread),

    readings as (
        select
            phone_raw,
            plan_country,
            {{ hygiene_part("parts", 1) }} as phone_e164,
            {{ hygiene_part("parts", 2) }} as parsed_status,
            {{ hygiene_part("parts", 3) }} as parsed_reason,
            {{ hygiene_part("parts", 4) }} as phone_type,
            {{ hygiene_version() }} as parsed_by
        from read_now
        {% if has_last_build(["phone_raw"] + parsed) %}
            union all
            select phone_raw, plan_country, phone_e164, parsed_status, parsed_reason, phone_type, parsed_by
            from known
        {% endif %}
    ),

    final as (
        select
            located.phone_raw,
            located.country_code,
            readings.plan_country,
            readings.phone_e164,
            case when placeholders.value_key is null then readings.parsed_status else 'placeholder' end as phone_status,
            case when placeholders.value_key is null then readings.parsed_reason else 'placeholder' end as phone_reason,
            readings.phone_type,
            readings.parsed_status,
            readings.parsed_reason,
            readings.parsed_by
        from located
        inner join readings on located.phone_raw = readings.phone_raw and located.plan_country = readings.plan_country
        left join placeholders on lower(located.phone_raw) = placeholders.value_key
    )

select *
from final
