with
    typed as (
        select first_name as name_raw
        from {{ ref("stg_hubspot__contacts") }}
        union
        select last_name as name_raw
        from {{ ref("stg_hubspot__contacts") }}
        union
        select first_name as name_raw
        from {{ ref("stg_files__contacts") }}
        union
        select last_name as name_raw
        from {{ ref("stg_files__contacts") }}
        union
        select first_name as name_raw
        from {{ ref("int_event_people") }}
        union
        select last_name as name_raw
        from {{ ref("int_event_people") }}
        union
        select first_name as name_raw
        from {{ ref("int_form_people") }}
        union
        select last_name as name_raw
        from {{ ref("int_form_people") }}
    ),

    final as (
        select name_raw, {{ clean_person_name("name_raw") }} as name, {{ name_key("name_raw") }} as name_key
        from typed
        where name_raw is not null
    )

select *
from final
