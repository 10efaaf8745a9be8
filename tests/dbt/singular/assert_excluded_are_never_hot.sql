-- Who is excluded has the worst grade, which is not hot, and a line on the ledger that says why; an account at which
-- nobody
-- who decides is engaged is not hot either.
with
    scores as (
        select 'contact' as entity_type, contact_id as entity_id, grade, exclusion_reason
        from {{ ref("fct_contact_scores") }}
        union all
        select 'account' as entity_type, account_id as entity_id, grade, exclusion_reason
        from {{ ref("fct_account_scores") }}
    ),

    grades as (select * from {{ ref("grades") }}),

    lines as (select entity_type, entity_id from {{ ref("fct_score_ledger") }} where score_kind = 'exclusion')

select scores.entity_type, scores.entity_id
from scores
inner join grades on scores.grade = grades.grade
left join lines on scores.entity_type = lines.entity_type and scores.entity_id = lines.entity_id
where
    (scores.exclusion_reason is not null and (grades.is_hot or lines.entity_id is null))
    or (scores.exclusion_reason is null and lines.entity_id is not null)
union all
select 'account' as entity_type, account_scores.account_id as entity_id
from {{ ref("fct_account_scores") }} as account_scores
inner join grades on account_scores.grade = grades.grade
where grades.is_hot and not account_scores.gate_passed
