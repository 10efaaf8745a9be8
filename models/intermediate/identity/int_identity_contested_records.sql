-- Records whose contact the resolver decides, with the neighbourhood it looks at as one.
with
    neighbourhoods as (select * from {{ ref("int_identity_neighbourhoods") }}),

    components as (select * from {{ ref("int_identity_components") }}),

    nodes as (select * from {{ ref("int_identity_nodes") }}),

    bounced as (select * from {{ ref("int_bounced_mailboxes") }}),

    -- Everything that a short form may stand for: Manu is Emanuel and Manuel until more is known.
    forms as (
        select
            name_key, {{ dbt.listagg("canonical_name_key", "'|'", "order by canonical_name_key") }} as first_name_forms
        from {{ ref("int_name_forms") }}
        group by name_key
    ),

    members as (
        select components.node as record_key, neighbourhoods.component as neighbourhood
        from neighbourhoods
        inner join components on neighbourhoods.node = components.component
        union all
        select neighbourhoods.node as record_key, neighbourhoods.component as neighbourhood
        from neighbourhoods
        where neighbourhoods.node not in (select node from components)
    ),

    final as (
        select
            members.record_key,
            members.neighbourhood,
            nodes.first_name_key as first_name,
            forms.first_name_forms,
            nodes.last_name_key as last_name,
            case
                when nodes.is_email_verified and bounced.email_canonical is null then nodes.email_canonical
            end as verified_email,
            case
                when nodes.is_email_verified and bounced.email_canonical is null then nodes.email_domain
            end as verified_domain,
            nodes.created_at
        from members
        inner join nodes on members.record_key = nodes.record_key
        left join forms on nodes.first_name_key = forms.name_key
        left join bounced on nodes.email_canonical = bounced.email_canonical
    )

select *
from final
