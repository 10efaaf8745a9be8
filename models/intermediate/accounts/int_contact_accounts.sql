-- One account per contact: the chosen one of its candidates.
with
    candidates as (select * from {{ ref("int_contact_account_candidates") }} where is_chosen),

    final as (
        select
            contact_id,
            account_id,
            case when match_method like 'association%' then 'association' else match_method end as match_method,
            confidence,
            matched_value,
            decided_by
        from candidates
    )

select *
from final
