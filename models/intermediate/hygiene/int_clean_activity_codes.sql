-- Codes of activity as given, to their class and its ISIC class: 62.01Z (NAF) -> NACE 62.01 -> ISIC 6201 (R16). A
-- code that
-- its classification does not hold is unknown, with a reason; it is not dropped.
with
    typed as (
        select activity_code as code_raw, activity_code_system as system_raw
        from {{ ref("int_crm_companies") }}
        union
        select activity_code as code_raw, activity_code_system as system_raw
        from {{ ref("stg_enrichment__companies") }}
        union
        select activity_code as code_raw, activity_code_system as system_raw
        from {{ ref("stg_files__accounts") }}
    ),

    plain as (
        select code_raw, coalesce(system_raw, '') as system_raw, {{ plain_code("code_raw") }} as plain_code
        from typed
        where code_raw is not null
    ),

    code_systems as (select * from {{ ref("activity_code_systems") }}),

    -- Without a system, only a form that one classification alone writes tells it: a letter at the end, seven digits.
    guessed_systems as (
        select plain.code_raw, min(code_systems.system) as system
        from (select distinct code_raw, plain_code from plain where system_raw = '') as plain
        inner join code_systems on {{ matches("plain.plain_code", "code_systems.pattern") }}
        group by plain.code_raw
        having count(distinct code_systems.system) = 1
    ),

    systems as (select distinct system, version, code_table, pattern from code_systems),

    located as (
        select
            plain.code_raw,
            plain.system_raw,
            plain.plain_code,
            coalesce(code_systems.system, guessed_systems.system) as system
        from plain
        left join code_systems on upper(plain.system_raw) = code_systems.alias
        left join guessed_systems on plain.code_raw = guessed_systems.code_raw and plain.system_raw = ''
    ),

    shaped as (
        select
            located.code_raw,
            located.system_raw,
            located.system,
            systems.version,
            systems.code_table,
            coalesce({{ matches("located.plain_code", "systems.pattern") }}, false) as is_well_formed,
            -- ISIC may bear its section letter in front.
            case
                when located.plain_code >= 'A' then substring(located.plain_code, 2) else located.plain_code
            end as digits
        from located
        left join systems on located.system = systems.system
    ),

    activity_codes as (select * from {{ ref("activity_codes") }}),

    activity_classes as (select * from {{ ref("activity_classes") }}),

    activity_divisions as (select * from {{ ref("activity_divisions") }}),

    matched as (
        select
            shaped.code_raw,
            shaped.system_raw,
            shaped.system,
            shaped.version,
            shaped.code_table,
            shaped.is_well_formed,
            shaped.digits,
            activity_codes.class_code,
            activity_codes.isic_class,
            activity_divisions.division,
            activity_divisions.section,
            coalesce(activity_classes.label, activity_divisions.label) as label
        from shaped
        left join
            activity_codes
            on shaped.is_well_formed
            and shaped.code_table = activity_codes.code_table
            and substring(shaped.digits, 1, 4) = activity_codes.class_code
        left join activity_classes on activity_codes.isic_class = activity_classes.isic_class
        left join
            activity_divisions on shaped.is_well_formed and substring(shaped.digits, 1, 2) = activity_divisions.division
    ),

    judged as (
        select
            matched.*,
            case
                when system is null
                then 'unknown'
                when not is_well_formed
                then 'invalid'
                when isic_class is not null
                then 'valid'
                when division is null
                then 'unknown'
                when {{ dbt.length("digits") }} < 4
                then 'partial'
                -- NACE and ISIC are held whole; of CNAE only the classes with one ISIC class are.
                when code_table = 'CNAE'
                then 'partial'
                else 'unknown'
            end as code_status
        from matched
    ),

    final as (
        select
            code_raw,
            system_raw,
            system as code_system,
            version as system_version,
            case
                when code_status not in ('valid', 'partial')
                then null
                when {{ dbt.length("digits") }} < 3
                then digits
                when system = 'ISIC'
                then digits
                when system = 'CNAE' and {{ dbt.length("digits") }} = 7
                then substring(digits, 1, 4) || '-' || substring(digits, 5, 1) || '/' || substring(digits, 6, 2)
                when system = 'CNAE' and {{ dbt.length("digits") }} = 5
                then substring(digits, 1, 2) || '.' || substring(digits, 3, 2) || '-' || substring(digits, 5, 1)
                else substring(digits, 1, 2) || '.' || substring(digits, 3)
            end as code,
            case
                when code_status = 'valid' and code_table = 'NACE'
                then substring(digits, 1, 2) || '.' || substring(digits, 3, 2)
            end as nace_class,
            case when code_status = 'valid' then isic_class end as isic_class,
            case when code_status in ('valid', 'partial') then division end as division,
            case when code_status in ('valid', 'partial') then section end as section,
            case when code_status in ('valid', 'partial') then label end as label,
            code_status,
            case
                when system is null and system_raw = ''
                then 'no_system'
                when system is null
                then 'unknown_system'
                when code_status = 'invalid'
                then 'malformed'
                when code_status = 'unknown'
                then 'unknown_code'
                when code_status = 'partial' and {{ dbt.length("digits") }} < 4
                then 'division_only'
                when code_status = 'partial'
                then 'no_crosswalk'
            end as code_reason
        from judged
    )

select *
from final
