-- A company's code in every classification, as far as the crosswalk knows it: a rule of any of them can then be met
-- by a
-- code of any other (R16). NAF 62.01Z is NACE 62.01, ISIC 6201, CNAE 62.01 and section J. Codes that no
-- classification holds
-- are not here: they are unknown, never nought.
with
    clean_codes as (select * from {{ ref("int_clean_activity_codes") }} where code_status in ('valid', 'partial')),
    code_systems as (select distinct system, code_table from {{ ref("activity_code_systems") }}),
    activity_codes as (select * from {{ ref("activity_codes") }}),

    -- Where several classes of a table share one ISIC class, the class cannot be told from it.
    classes_of_isic as (
        select code_table, isic_class, min(class_code) as class_code
        from activity_codes
        where isic_class is not null
        group by code_table, isic_class
        having count(*) = 1
    ),

    -- However it was spelt: the raw spelling and the clean one lead to the same codes.
    spelt as (
        select upper(system_raw) as named_system, {{ plain_code("code_raw") }} as plain, clean_codes.*
        from clean_codes
        where system_raw != ''
        union
        select code_system as named_system, {{ plain_code("code") }} as plain, clean_codes.*
        from clean_codes
        union
        select code_system as named_system, {{ plain_code("code_raw") }} as plain, clean_codes.*
        from clean_codes
    ),

    known as (
        select
            {{ plain_code("named_system") }} || ':' || plain as activity_code,
            min(code_system) as system,
            min({{ plain_code("code") }}) as own_code,
            min({{ plain_code("nace_class") }}) as nace_class,
            min(isic_class) as isic_class,
            min(division) as division,
            min(section) as section
        from spelt
        group by {{ plain_code("named_system") }} || ':' || plain
    ),

    in_systems as (
        select
            known.activity_code,
            code_systems.system,
            known.section,
            case
                when known.system = code_systems.system
                then known.own_code
                when code_systems.code_table = 'ISIC'
                then coalesce(known.isic_class, known.division)
                when code_systems.code_table = 'NACE'
                then coalesce(known.nace_class, classes_of_isic.class_code, known.division)
                else coalesce(classes_of_isic.class_code, known.division)
            end as code
        from known
        cross join code_systems
        left join
            classes_of_isic
            on code_systems.code_table = classes_of_isic.code_table
            and known.isic_class = classes_of_isic.isic_class
    ),

    final as (
        select activity_code, system, code as code_path
        from in_systems
        where code is not null
        union
        select activity_code, system, section as code_path
        from in_systems
        where section is not null
    )

select *
from final
