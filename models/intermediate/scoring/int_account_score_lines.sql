with
    account_fit as (select * from {{ ref("int_account_fit_lines") }}),
    committee as (select * from {{ ref("int_account_committee") }}),

    lines as (
        select
            account_id,
            'fit' as score_kind,
            rule_id,
            cast(1 as bigint) as evidence_count,
            value as evidence_value,
            cast(points as decimal(18, 6)) as raw_points,
            cast(points as decimal(18, 6)) as points
        from account_fit

        union all

        select
            account_id,
            'engagement' as score_kind,
            'committee:' || buying_role as rule_id,
            engaged_contacts as evidence_count,
            cast(null as {{ dbt.type_string() }}) as evidence_value,
            coverage_points as raw_points,
            coverage_points as points
        from committee
        where coverage_points != 0

        union all

        select
            account_id,
            'engagement' as score_kind,
            'depth:' || buying_role as rule_id,
            active_contacts as evidence_count,
            cast(null as {{ dbt.type_string() }}) as evidence_value,
            depth_points as raw_points,
            depth_points as points
        from committee
        where depth_points != 0

        union all

        select
            account_id,
            'cap' as score_kind,
            'depth:' || buying_role as rule_id,
            active_contacts as evidence_count,
            {{ plain_number("depth_cap") }} as evidence_value,
            cast(0 as decimal(18, 6)) as raw_points,
            cast(depth_cap - depth_points as decimal(18, 6)) as points
        from committee
        where depth_points > depth_cap
    ),

    final as (
        select
            account_id,
            score_kind,
            rule_id,
            evidence_count,
            cast(null as timestamp) as last_evidence_at,
            evidence_value,
            raw_points,
            raw_points as decayed_points,
            points
        from lines
    )

select *
from final
