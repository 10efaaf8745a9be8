with
    account_fit as (select * from {{ ref("int_account_fit_lines") }}),
    committee as (select * from {{ ref("int_account_committee") }}),
    exclusions as (select * from {{ ref("int_account_exclusions") }}),

    lines as (
        select
            account_id,
            'fit' as score_kind,
            rule_id,
            -- A rule about what is not known rests on nothing.
            cast(case when value is null then 0 else 1 end as bigint) as evidence_count,
            stated_at as last_evidence_at,
            value as evidence_value,
            cast(points as decimal(18, 6)) as raw_points,
            cast(null as decimal(12, 4)) as cap,
            cast(points as decimal(18, 6)) as points
        from account_fit

        union all

        -- No points: an exclusion takes the grade, and the ledger says why.
        select
            account_id,
            'exclusion' as score_kind,
            rule_id,
            cast(1 as bigint) as evidence_count,
            stated_at as last_evidence_at,
            value as evidence_value,
            cast(0 as decimal(18, 6)) as raw_points,
            cast(null as decimal(12, 4)) as cap,
            cast(0 as decimal(18, 6)) as points
        from exclusions

        union all

        select
            account_id,
            'engagement' as score_kind,
            'committee:' || buying_role as rule_id,
            engaged_contacts as evidence_count,
            engaged_last_evidence_at as last_evidence_at,
            cast(null as {{ dbt.type_string() }}) as evidence_value,
            coverage_points as raw_points,
            cast(null as decimal(12, 4)) as cap,
            coverage_points as points
        from committee
        where coverage_points != 0

        union all

        select
            account_id,
            'engagement' as score_kind,
            'depth:' || buying_role as rule_id,
            active_contacts as evidence_count,
            active_last_evidence_at as last_evidence_at,
            cast(null as {{ dbt.type_string() }}) as evidence_value,
            depth_points as raw_points,
            depth_cap as cap,
            depth_points as points
        from committee
        where depth_points != 0

        union all

        select
            account_id,
            'cap' as score_kind,
            'depth:' || buying_role as rule_id,
            active_contacts as evidence_count,
            active_last_evidence_at as last_evidence_at,
            {{ plain_number("depth_cap") }} as evidence_value,
            cast(0 as decimal(18, 6)) as raw_points,
            depth_cap as cap,
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
            last_evidence_at,
            evidence_value,
            raw_points,
            raw_points as decayed_points,
            cast(cap as decimal(12, 4)) as cap,
            points
        from lines
    )

select *
from final
