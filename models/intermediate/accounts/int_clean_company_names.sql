-- Every company name as typed, once, as the key that names are compared by. A stand-in ("freelancer", "n/a") names no
-- company.
with
    companies as (select * from {{ ref("int_clean_companies") }}),

    final as (select name_raw, company_key, company_key is null as is_no_company from companies)

select *
from final
