-- A person's spells on one list follow each other, and only the last of them may be open (R74).
with
    ordered as (
        select
            *,
            lead(valid_from) over (
                partition by list_name, contact_id order by valid_from, coalesce(valid_to, timestamp '9999-12-31')
            ) as next_from
        from {{ ref("fct_list_memberships") }}
    )

select list_name, contact_id, valid_from, valid_to, next_from
from ordered
where valid_to < valid_from or (next_from is not null and (valid_to is null or valid_to > next_from))
