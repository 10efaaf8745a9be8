-- Who else of the company is engaged, beside each of its people (R43).
with
    facts as (select * from {{ ref("int_lead_facts") }} where account_id is not null),

    engaged as (
        select
            contact_id,
            account_id,
            coalesce(full_name, email, 'Name unknown') || ' (' || replace(buying_role, '_', ' ') || ')' as described,
            row_number() over (partition by account_id order by engagement_score desc, contact_id) as place
        from facts
        where engagement_score >= {{ setting("engaged_min_score") }}
    ),

    counts as (select account_id, count(*) as engaged_people from engaged group by account_id),

    -- One more than is shown: the person may be among them.
    foremost as (select * from engaged where place <= {{ setting("colleagues_shown", "list_settings") }} + 1),

    beside as (
        select
            facts.contact_id,
            foremost.described,
            row_number() over (partition by facts.contact_id order by foremost.place) as turn
        from facts
        inner join foremost on facts.account_id = foremost.account_id and facts.contact_id != foremost.contact_id
    ),

    named as (
        select contact_id, {{ dbt.listagg("described", "', '", "order by turn") }} as colleagues
        from beside
        where turn <= {{ setting("colleagues_shown", "list_settings") }}
        group by contact_id
    ),

    final as (
        select
            facts.contact_id,
            coalesce(counts.engaged_people, 0)
            - case when engaged.contact_id is null then 0 else 1 end as engaged_colleagues,
            named.colleagues
        from facts
        left join counts on facts.account_id = counts.account_id
        left join engaged on facts.contact_id = engaged.contact_id
        left join named on facts.contact_id = named.contact_id
    )

select *
from final
