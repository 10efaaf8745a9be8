-- One account, one coverage: mart_committee and fct_account_scores count the same people in the same roles.
with
    committee as (
        select account_id, max(coverage_pct) as coverage_pct, sum(engaged_people) as engaged_people
        from {{ ref("mart_committee") }}
        group by account_id
    )

select
    scores.account_id,
    scores.committee_completeness,
    committee.coverage_pct,
    scores.engaged_contacts,
    committee.engaged_people
from {{ ref("fct_account_scores") }} as scores
left join committee on scores.account_id = committee.account_id
where
    committee.account_id is null
    or abs(100 * scores.committee_completeness - committee.coverage_pct) > 0.01
    or scores.engaged_contacts != committee.engaged_people
