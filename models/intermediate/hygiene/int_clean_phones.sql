with
    country_aliases as (select * from {{ ref("country_aliases") }}),

    typed as (
        select phone_raw, country_raw
        from {{ ref("stg_hubspot__contacts") }}
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
        select distinct typed.phone_raw, coalesce(country_aliases.country_code, '') as country_code
        from typed
        left join country_aliases on lower(typed.country_raw) = country_aliases.alias
        where typed.phone_raw is not null
    ),

    cleaned as (select phone_raw, country_code, {{ clean_phone("phone_raw", "country_code") }} as parts from located),

    final as (
        select
            phone_raw,
            country_code,
            {{ hygiene_part("parts", 1) }} as phone_e164,
            {{ hygiene_part("parts", 2) }} as phone_status,
            {{ hygiene_part("parts", 3) }} as reason
        from cleaned
    )

select *
from final
