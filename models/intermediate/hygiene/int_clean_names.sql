with
    typed as (
        select first_name as name_raw
        from {{ ref("int_crm_contacts") }}
        union
        select last_name as name_raw
        from {{ ref("int_crm_contacts") }}
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

    placeholders as (select * from {{ ref("int_placeholders") }} where field = 'name'),

    cleaned as (select name_raw, {{ clean_name("name_raw") }} as parts from typed where name_raw is not null),

    split as (
        select
            name_raw,
            {{ hygiene_part("parts", 1) }} as name,
            {{ hygiene_part("parts", 2) }} as name_key,
            {{ hygiene_part("parts", 3) }} as status,
            {{ hygiene_part("parts", 4) }} as reason,
            {{ hygiene_part("parts", 5) }} as typed_key
        from cleaned
    ),

    final as (
        select
            split.name_raw,
            case when placeholders.value_key is null then split.name end as name,
            case when placeholders.value_key is null then split.name_key end as name_key,
            case when placeholders.value_key is null then split.status else 'placeholder' end as name_status,
            case when placeholders.value_key is null then split.reason else 'placeholder' end as name_reason
        from split
        left join placeholders on split.typed_key = placeholders.value_key
    )

select *
from final
