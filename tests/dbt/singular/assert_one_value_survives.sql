-- Every contact and every account has exactly one surviving value for each field that any source fills, and only
-- losers say why they lost.
select 'contact' as entity, contact_id as entity_id, field, sum(case when is_surviving then 1 else 0 end) as survivors
from {{ ref("int_contact_attributes") }}
group by contact_id, field
having
    sum(case when is_surviving then 1 else 0 end) != 1
    or max(case when is_surviving and lost_because is not null then 1 else 0 end) = 1
    or max(case when not is_surviving and lost_because is null then 1 else 0 end) = 1
union all
select 'account' as entity, account_id as entity_id, field, sum(case when is_surviving then 1 else 0 end) as survivors
from {{ ref("int_account_attributes") }}
group by account_id, field
having
    sum(case when is_surviving then 1 else 0 end) != 1
    or max(case when is_surviving and lost_because is not null then 1 else 0 end) = 1
    or max(case when not is_surviving and lost_because is null then 1 else 0 end) = 1
