-- The rules of seeds/consent_rules.csv as write-back reads them from the published snapshot.
with
    rules as (select * from {{ ref("consent_rules") }}),

    final as (select write, is_suppressed or write in ('create', 'list_add') as is_suppressed, reason from rules)

select *
from final
