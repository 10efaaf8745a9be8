with
    typed as (
        select name as name_raw
        from {{ ref("stg_hubspot__companies") }}
        union
        select name as name_raw
        from {{ ref("stg_files__accounts") }}
        union
        select parent_ref as name_raw
        from {{ ref("stg_files__accounts") }}
        union
        select account_ref as name_raw
        from {{ ref("stg_files__contacts") }}
        union
        select account_ref as name_raw
        from {{ ref("stg_files__opportunities") }}
    ),

    final as (select name_raw, {{ company_key("name_raw") }} as company_key from typed where name_raw is not null)

select *
from final
