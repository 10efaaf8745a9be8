-- The full forms that a first name may stand for, itself included: Bob -> Robert, Beto -> Roberto or Alberto.
with
    nicknames as (
        select {{ name_key("nickname") }} as name_key, {{ name_key("name") }} as canonical_name_key, language
        from {{ ref("nicknames") }}
    ),

    names as (
        select distinct name_key
        from {{ ref("int_clean_names") }}
        where name_key is not null
        union
        select name_key
        from nicknames
        union
        select canonical_name_key as name_key
        from nicknames
    ),

    forms as (
        select distinct name_key, canonical_name_key
        from nicknames
        where name_key != canonical_name_key
        union
        select name_key, name_key as canonical_name_key
        from names
    ),

    counted as (
        select
            name_key,
            canonical_name_key,
            count(*) over (partition by name_key) as form_count,
            -- A name that others are short for is one itself (Marina is no Marie), whatever it may be short for.
            name_key in (select canonical_name_key from nicknames) as is_full_name
        from forms
    ),

    final as (
        select
            name_key,
            canonical_name_key,
            name_key != canonical_name_key as is_short_form,
            -- One row a name to compare by: the full form where there is exactly one, else the name itself.
            case
                when form_count = 2 and not is_full_name
                then name_key != canonical_name_key
                else name_key = canonical_name_key
            end as is_primary
        from counted
    )

select *
from final
