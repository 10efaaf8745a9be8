-- Every contact has a row, also one without a single line.
with
    contacts as (select contact_id, account_id, buying_role from {{ ref("dim_contacts") }}),
    lines as (select * from {{ ref("int_contact_score_lines") }}),

    sums as (
        select
            contact_id,
            sum(case when score_kind = 'fit' then points end) as fit_score,
            sum(case when score_kind != 'fit' then points end) as engagement_score,
            max(case when score_kind in ('engagement', 'intent') then last_evidence_at end) as last_evidence_at
        from lines
        group by contact_id
    ),

    final as (
        select
            contacts.contact_id,
            contacts.account_id,
            coalesce(contacts.buying_role, 'unknown') as buying_role,
            cast(coalesce(sums.fit_score, 0) as decimal(18, 6)) as fit_score,
            cast(coalesce(sums.engagement_score, 0) as decimal(18, 6)) as engagement_score,
            sums.last_evidence_at
        from contacts
        left join sums on contacts.contact_id = sums.contact_id
    )

select *
from final
