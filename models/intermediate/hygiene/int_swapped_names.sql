-- Records whose first and last name look swapped: the last name is one that people bear as a first name, and the first
-- name is borne as a last name at least as often as as a first one.
with
    records as (select * from {{ ref("int_contact_records") }}),

    usage_counts as (select * from {{ ref("int_name_usage") }}),

    settings as (
        select
            {{ setting("swapped_name_min_uses", "hygiene_settings") }} as min_uses,
            {{ setting("swapped_name_ratio", "hygiene_settings") }} as ratio
    ),

    final as (
        select records.record_key, records.first_name, records.last_name
        from records
        cross join settings
        inner join usage_counts as firsts on records.first_name_key = firsts.name_key
        inner join usage_counts as lasts on records.last_name_key = lasts.name_key
        where
            lasts.as_first >= settings.min_uses
            and lasts.as_first >= settings.ratio * lasts.as_last
            and firsts.as_last >= firsts.as_first
    )

select *
from final
