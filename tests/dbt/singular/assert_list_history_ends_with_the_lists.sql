-- Who is on a list has exactly one open spell on it, and nobody else has one (R74). A build that looks back at an
-- earlier
-- moment sees the spells that were open then, not those of its own lists.
with
    looks_back as (
        select count(*) as later_changes from {{ ref("int_list_changes") }} where observed_at > {{ as_of() }}
    ),

    open_spells as (
        select list_name, contact_id, count(*) as spells
        from {{ ref("fct_list_memberships") }}
        where is_current
        group by list_name, contact_id
    )

select
    coalesce(members.list_name, open_spells.list_name) as list_name,
    coalesce(members.contact_id, open_spells.contact_id) as contact_id,
    open_spells.spells
from {{ ref("int_list_members") }} as members
full outer join open_spells on members.list_name = open_spells.list_name and members.contact_id = open_spells.contact_id
cross join looks_back
where (members.contact_id is null or coalesce(open_spells.spells, 0) != 1) and looks_back.later_changes = 0
