-- The smart lists of the project, what they are for and how many people are on them.
with
    versions as (select * from {{ ref("int_list_versions") }} where list_name is not null),

    members as (select list_name, count(*) as members from {{ ref("int_list_members") }} group by list_name),

    final as (
        select
            versions.list_name,
            versions.label,
            versions.purpose,
            versions.destination,
            versions.object_type,
            versions.owner,
            versions.consent_rule,
            versions.list_version,
            coalesce(members.members, 0) as members,
            {{ as_of() }} as as_of_at
        from versions
        left join members on versions.list_name = members.list_name
    )

select *
from final
